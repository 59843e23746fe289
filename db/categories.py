"""Statements about categories: the tree in which an account keeps its videos."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, literal, select

from db.models import Category
from db.paging import Order
from db.rows import Source, equals
from db.session import ReadSession, WriteSession

CATEGORIES = Source(Category, {"account_id": equals("account_id"), "id": equals("id")})
BY_NAME = Order("name", descending=False)


async def of_account(
    session: ReadSession, account_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Category]:
    rows = await session.scalars(
        select(Category).where(Category.id.in_(ids), Category.account_id == account_id)
    )
    return {row.id: row for row in rows}


async def count(session: ReadSession, account_id: UUID) -> int:
    counted = select(func.count()).where(Category.account_id == account_id)
    return await session.scalar(counted) or 0


async def save(session: WriteSession, category: Category) -> None:
    """Insert or change the row, and fill in what the database chose."""
    session.add(category)
    await session.flush()
    await session.refresh(category)


async def places(session: ReadSession, id: UUID | None) -> list[UUID]:
    """The category and all that it lies in, from within."""
    if id is None:
        return []
    depth = literal(0).label("depth")
    tree = (
        select(Category.id, Category.parent_id, depth)
        .where(Category.id == id)
        .cte("places", recursive=True)
    )
    outer = select(Category.id, Category.parent_id, tree.c.depth + 1)
    tree = tree.union_all(outer.join(tree, Category.id == tree.c.parent_id))
    rows = await session.scalars(select(tree.c.id).order_by(tree.c.depth))
    return list(rows)


async def height(session: ReadSession, id: UUID) -> int:
    """How many categories lie in one another below this one, itself counted."""
    level = literal(1).label("level")
    tree = select(Category.id, level).where(Category.id == id).cte("below", recursive=True)
    inner = select(Category.id, tree.c.level + 1).join(tree, Category.parent_id == tree.c.id)
    tree = tree.union_all(inner)
    return await session.scalar(select(func.max(tree.c.level))) or 0
