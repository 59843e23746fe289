"""Categories: which ones a caller has, and changes of their tree."""

from uuid import UUID

from db import accounts, categories
from db.models import Category
from db.rows import Rows
from db.session import ReadSession, WriteSession
from domain import text
from domain.categories import MAX_CATEGORIES, MAX_DEPTH, MAX_NAME
from domain.errors import CategoryIsAncestor, LimitExceeded, NotFound
from domain.paging import Window
from resolvers.context import Context


def own(ctx: Context) -> Rows:
    """The caller's categories, by their keys."""
    return Rows.of(categories.CATEGORIES, by="id", account_id=ctx.account_id)


def page(ctx: Context, window: Window) -> Rows:
    return Rows.of(
        categories.CATEGORIES,
        order=categories.BY_NAME,
        window=window,
        account_id=ctx.account_id,
    )


async def check(session: ReadSession, account_id: UUID, id: UUID | None) -> UUID | None:
    """The id, when there is none or it is of one of the account's own categories."""
    if id is not None:
        await _known(session, account_id, id, field="categoryId")
    return id


async def check_own(ctx: Context, id: UUID | None) -> None:
    """Raises `NotFound` unless there is no id, or it is of one of the caller's categories."""
    if id is not None:
        async with ctx.services.db.read() as session:
            await check(session, ctx.account_id, id)


async def _known(session: ReadSession, account_id: UUID, id: UUID, *, field: str) -> Category:
    found = (await categories.of_account(session, account_id, [id])).get(id)
    if found is None:
        raise NotFound("Category", id, path=[field])
    return found


async def add(ctx: Context, *, name: str, parent_id: UUID | None) -> Category:
    row = Category(account_id=ctx.account_id, name=text.required("name", name, MAX_NAME))
    async with ctx.services.db.write() as session:
        account = await accounts.lock(session, row.account_id)  # they are counted one by one
        actual = await categories.count(session, row.account_id) + 1
        if actual > MAX_CATEGORIES:
            raise LimitExceeded("The number of categories", limit=MAX_CATEGORIES, actual=actual)
        if parent_id is not None:
            await _place(session, row, parent_id, height=1)
        account.category_numbers += 1
        row.number = account.category_numbers
        await categories.save(session, row)
    return row


async def change(
    ctx: Context, id: UUID, *, name: str, moves: bool, parent_id: UUID | None
) -> Category:
    """Rename a category; if it `moves`, put it into another one, or outermost."""
    account_id, name = ctx.account_id, text.required("name", name, MAX_NAME)
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)  # two moves at once could make a ring
        row = await _known(session, account_id, id, field="id")
        row.name = name
        if moves and parent_id is None:
            row.parent_id = None
        elif parent_id is not None:
            await _place(session, row, parent_id, height=await categories.height(session, id))
        await categories.save(session, row)
    return row


async def _place(session: WriteSession, row: Category, parent_id: UUID, *, height: int) -> None:
    await _known(session, row.account_id, parent_id, field="parentId")
    above = await categories.places(session, parent_id)
    if row.id in above:
        raise CategoryIsAncestor(path=["parentId"])
    if len(above) + height > MAX_DEPTH:
        raise LimitExceeded(
            "The depth of the category",
            limit=MAX_DEPTH,
            actual=len(above) + height,
            path=["parentId"],
        )
    row.parent_id = parent_id
