"""Accounts: the caller's own, and the first of an installation."""

from db import accounts
from db.accounts import ACCOUNTS
from db.rows import Rows
from db.session import Database
from domain.accounts import new_api_key
from resolvers.context import Context


def viewer(ctx: Context) -> Rows | None:
    """The caller's own account; nothing for a caller without a key."""
    return None if ctx.viewer is None else Rows.of(ACCOUNTS, id=ctx.account_id)


def own(ctx: Context) -> Rows:
    """The caller's own account, by its key."""
    return Rows.of(ACCOUNTS, by="id", id=ctx.account_id)


async def create_owner(db: Database) -> str | None:
    """Make the first account; returns its API key. None when there is an account already."""
    api_key = new_api_key()
    async with db.write() as session:
        if not await accounts.claim_first(session):
            return None
        owner = await accounts.add(session, user_id="owner", name="Owner")
        await accounts.add_api_key(session, owner, name="First start", api_key=api_key)
    return api_key
