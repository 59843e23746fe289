"""Accounts, their API keys, and the secret under signed links."""

import secrets
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from db.models import Account, ApiKey, Category, SigningSecret
from db.rows import Source, equals
from db.session import ReadSession, WriteSession
from domain.accounts import KEY_PREFIX, Viewer, digest
from domain.categories import DEFAULT_CATEGORY, DEFAULT_CATEGORY_NAME

ACCOUNTS = Source(Account, {"id": equals("id")})

_THE_ONE = 1


async def viewer_of(session: ReadSession, api_key: str) -> Viewer | None:
    """Whom the key stands for; None for an unknown or a revoked one."""
    row = (
        await session.execute(
            select(ApiKey.account_id, ApiKey.id).where(
                ApiKey.digest == digest(api_key), ApiKey.revoked_at.is_(None)
            )
        )
    ).first()
    return Viewer(account_id=row.account_id, api_key_id=row.id) if row else None


async def claim_first(session: WriteSession) -> bool:
    """Whether there is no account yet; until the transaction ends, nobody else makes one."""
    await session.execute(text("lock table account in share row exclusive mode"))
    return await session.scalar(select(Account.id).limit(1)) is None


async def by_id(session: ReadSession, id: UUID) -> Account:
    return await session.get_one(Account, id)


async def lock(session: WriteSession, id: UUID) -> Account:
    """The account's row, locked until the transaction ends.

    Others can insert rows of the account meanwhile, so that who holds a row that we want next,
    and only inserts, does not wait for us.
    """
    mine = select(Account).where(Account.id == id)
    return (await session.scalars(mine.with_for_update(key_share=True))).one()


async def add(session: WriteSession, *, user_id: str, name: str) -> Account:
    """A new account, with the category in which its videos are kept by default."""
    account = Account(user_id=user_id, name=name)
    session.add(account)
    await session.flush()
    session.add(
        Category(account_id=account.id, number=DEFAULT_CATEGORY, name=DEFAULT_CATEGORY_NAME)
    )
    await session.flush()
    return account


async def add_api_key(session: WriteSession, account: Account, *, name: str, api_key: str) -> None:
    prefix = api_key[: len(KEY_PREFIX) + 6]
    session.add(ApiKey(account_id=account.id, name=name, prefix=prefix, digest=digest(api_key)))


async def signing_secret(session: WriteSession) -> bytes:
    """The installation's secret: made by the first caller, the same for all."""
    fresh = insert(SigningSecret).values(id=_THE_ONE, secret=secrets.token_bytes(32))
    await session.execute(fresh.on_conflict_do_nothing())
    return (await session.scalars(select(SigningSecret.secret))).one()
