"""Accounts: the caller's own, and the first of an installation."""

from uuid import UUID

from db import accounts
from db.models import Account
from db.session import Database
from domain.accounts import new_api_key
from resolvers.context import Context


async def viewer_account(ctx: Context) -> Account | None:
    """The caller's own account; None for a caller without a key."""
    if ctx.viewer is None:
        return None
    async with ctx.services.db.read() as session:
        return await accounts.by_id(session, ctx.viewer)


async def own(ctx: Context, id: UUID) -> Account | None:
    """The caller's own account, if this is its id."""
    return await viewer_account(ctx) if id == ctx.account_id else None


async def create_owner(db: Database) -> str | None:
    """Make the first account; returns its API key. None when there is an account already."""
    api_key = new_api_key()
    async with db.write() as session:
        if not await accounts.claim_first(session):
            return None
        owner = await accounts.add(session, user_id="owner", name="Owner")
        await accounts.add_api_key(session, owner, name="First start", api_key=api_key)
    return api_key
