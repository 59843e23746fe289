"""Categories: which ones a caller has, and changes of their tree."""

from uuid import UUID

from db import accounts, categories
from db.models import Category
from db.rows import Rows
from db.session import ReadSession, WriteSession
from domain import text
from domain.categories import (
    DEFAULT_CATEGORY,
    MAX_CATEGORIES,
    MAX_CHILDREN,
    MAX_DEPTH,
    MAX_NAME,
    CategoryIsAncestor,
    CategoryIsDefault,
)
from domain.errors import LimitExceeded, NotFound
from domain.paging import Window
from resolvers.context import Context

_LARGEST_NUMBER = 2**31 - 1


def own(ctx: Context) -> Rows:
    """The caller's categories, by their keys."""
    return Rows.of(categories.CATEGORIES, by="id", account_id=ctx.account_id)


def children(ctx: Context) -> Rows:
    """The first categories in each of the caller's own, by name."""
    return Rows.of(
        categories.CATEGORIES,
        by="parent_id",
        order=categories.BY_NAME,
        limit=MAX_CHILDREN,
        account_id=ctx.account_id,
    )


def by_id(ctx: Context, id: UUID | None) -> Rows | None:
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    return None if id is None else Rows.of(categories.CATEGORIES, account_id=account_id, id=id)


def by_number(ctx: Context, number: str) -> Rows | None:
    """The category with this number within the account."""
    account_id, written = ctx.account_id, number.isascii() and number.isdigit()
    if not written or len(number) > len(str(_LARGEST_NUMBER)) or int(number) > _LARGEST_NUMBER:
        return None
    return Rows.of(categories.CATEGORIES, account_id=account_id, number=int(number))


def page(
    ctx: Context,
    window: Window,
    *,
    parent_id: UUID | None = None,
    outermost: bool | None = None,
    search: str | None = None,
) -> Rows:
    """Those in one category, or in none; those whose name has a text in it, in either case."""
    return Rows.of(
        categories.CATEGORIES,
        order=categories.BY_NAME,
        window=window,
        account_id=ctx.account_id,
        parent_id=parent_id,
        outermost=outermost,
        search=text.optional("search", search, MAX_NAME) or None,
    )


async def path(ctx: Context, id: UUID) -> list[str]:
    """The names of one of the caller's categories and of all that it lies in, from outside."""
    return await ctx.load.answer(categories.paths, id)


async def check(session: ReadSession, account_id: UUID, id: UUID | None) -> UUID | None:
    """The id, when there is none or it is of one of the account's own categories.

    Who puts a video into it in this transaction has locked the account's row: else it may go.
    """
    if id is not None:
        await known(session, account_id, id, field="categoryId")
    return id


async def check_own(ctx: Context, id: UUID | None) -> None:
    """Raises `NotFound` unless there is no id, or it is of one of the caller's categories."""
    if id is not None:
        async with ctx.services.db.read() as session:
            await check(session, ctx.account_id, id)


async def known(session: ReadSession, account_id: UUID, id: UUID, *, field: str) -> Category:
    """The account's own category; `field` is where the caller named it."""
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
            await _place(session, row, parent_id, height=1, field="parentId")
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
        row = await known(session, account_id, id, field="id")
        row.name = name
        if moves:
            await put(session, row, parent_id, field="parentId")
        await categories.save(session, row)
    return row


async def put(session: WriteSession, row: Category, parent_id: UUID | None, *, field: str) -> None:
    """Let a category lie in another one, or be outermost. The account's row is locked."""
    if parent_id is None:
        row.parent_id = None
        return
    height = await categories.height(session, row.id)
    await _place(session, row, parent_id, height=height, field=field)


async def _place(
    session: WriteSession, row: Category, parent_id: UUID, *, height: int, field: str
) -> None:
    await known(session, row.account_id, parent_id, field=field)
    if row.number == DEFAULT_CATEGORY:
        raise CategoryIsDefault(path=field)
    above = await categories.places(session, parent_id)
    if row.id in above:
        raise CategoryIsAncestor(path=field)
    if len(above) + height > MAX_DEPTH:
        raise LimitExceeded(
            "The depth of the category", limit=MAX_DEPTH, actual=len(above) + height, path=[field]
        )
    row.parent_id = parent_id
