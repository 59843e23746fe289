"""Statements about categories: the tree in which an account keeps its videos."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CursorResult,
    Select,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from db.models import Category, Task, TranscodeRule, UploadSession, Video
from db.paging import Order
from db.rows import Source, equals
from db.session import ReadSession, WriteSession
from domain.categories import DEFAULT_CATEGORY

CATEGORIES = Source(
    Category,
    {
        "account_id": equals("account_id"),
        "id": equals("id"),
        "number": equals("number"),
        "parent_id": equals("parent_id"),
        "outermost": lambda row, name: row.parent_id.is_(None) == bindparam(name),
        "search": lambda row, name: (
            func.strpos(func.lower(row.name), func.lower(bindparam(name))) > 0
        ),
    },
)
BY_NAME = Order("name", descending=False)


async def of_account(
    session: ReadSession, account_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Category]:
    rows = await session.scalars(
        select(Category).where(Category.id.in_(ids), Category.account_id == account_id)
    )
    return {row.id: row for row in rows}


async def default_id(session: ReadSession, account_id: UUID) -> UUID:
    """The category that the account's videos lie in unless it was told otherwise."""
    found = await session.scalars(
        select(Category.id).where(
            Category.account_id == account_id, Category.number == DEFAULT_CATEGORY
        )
    )
    return found.one()


async def place(session: ReadSession, account_id: UUID, id: UUID | None) -> UUID:
    """Where a video of the account is put: into this category, or the default one without it."""
    wanted = or_(Category.id == id, Category.number == DEFAULT_CATEGORY)
    found = await session.scalars(
        select(Category.id)
        .where(Category.account_id == account_id, wanted)
        .order_by(Category.id == id)
    )
    return found.all()[-1]


async def remaining(session: ReadSession, id: UUID | None) -> UUID | None:
    """The id, unless the category has gone."""
    return await session.scalar(select(Category.id).where(Category.id == id)) if id else None


async def count(session: ReadSession, account_id: UUID) -> int:
    counted = select(func.count()).where(Category.account_id == account_id)
    return await session.scalar(counted) or 0


async def save(session: WriteSession, category: Category) -> None:
    """Insert or change the row, and fill in what the database chose."""
    session.add(category)
    await session.flush()
    await session.refresh(category)


async def move_videos(session: WriteSession, row: Category, *, to: UUID, most: int) -> int:
    """Put up to so many videos of a category into another one; how many those were."""
    return await _move_videos(session, row, to, Video.category_id == row.id, most=most)


async def video_count(session: ReadSession, id: UUID) -> int:
    """How many videos lie in a category, those in the recycle bin included."""
    counted = select(func.count()).select_from(Video).where(Video.category_id == id)
    return await session.scalar(counted) or 0


async def delete_into(
    session: WriteSession, row: Category, *, videos_to: UUID
) -> tuple[int, list[UUID]]:
    """Delete an empty category: how many videos came late, and which rules went with it.

    The account's row is locked, so nobody else changes the tree or opens a session. What names
    the category is changed before it goes: nobody who waits for the category is waited for.
    """
    await session.execute(
        update(Task).where(Task.category_id == row.id).values(category_id=videos_to)
    )
    await session.execute(
        update(UploadSession)
        .where(UploadSession.category_id == row.id)
        .values(category_id=videos_to, updated_at=UploadSession.updated_at)
    )
    await session.execute(
        update(Category).where(Category.parent_id == row.id).values(parent_id=row.parent_id)
    )
    rules = await session.scalars(
        delete(TranscodeRule).where(TranscodeRule.category_id == row.id).returning(TranscodeRule.id)
    )
    gone = sorted(rules)
    await session.execute(delete(Category).where(Category.id == row.id))
    # Videos that were put into it while we waited for those who did so: the key took it from them.
    late = await _move_videos(session, row, videos_to, Video.category_id.is_(None))
    return late, gone


async def _move_videos(
    session: WriteSession,
    row: Category,
    to: UUID,
    which: Any,  # noqa: ANN401  (a condition)
    *,
    most: int | None = None,
) -> int:
    # Locked as everybody locks several: see `db.videos.lock_all`.
    chosen = (
        select(Video.id)
        .where(Video.account_id == row.account_id, which)
        .order_by(Video.id)
        .limit(most)
        .with_for_update()
        .cte("chosen")
    )
    changed = await session.execute(
        update(Video)
        .where(Video.id == chosen.c.id)
        .values(category_id=to, updated_at=Video.updated_at)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", changed).rowcount


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


@cache
def _paths() -> Select[*tuple[Any, ...]]:
    """Built once: that takes longer than to run it for a few categories."""
    depth = literal(0).label("depth")
    wanted = any_(bindparam("ids", type_=ARRAY(Uuid())))
    tree = (
        select(Category.id.label("inner"), Category.parent_id, Category.name, depth)
        .where(Category.id == wanted)
        .cte("paths", recursive=True)
    )
    outer = select(tree.c.inner, Category.parent_id, Category.name, tree.c.depth + 1)
    tree = tree.union_all(outer.join(tree, Category.id == tree.c.parent_id))
    names = func.array_agg(aggregate_order_by(tree.c.name, tree.c.depth.desc()))
    return select(tree.c.inner, names.label("path")).group_by(tree.c.inner)


async def paths(session: ReadSession, ids: Sequence[UUID]) -> Mapping[UUID, list[str]]:
    """The names of each category and of all that it lies in, from outside."""
    rows = await session.execute(_paths(), {"ids": list(ids)})
    return {row.inner: row.path for row in rows}


async def height(session: ReadSession, id: UUID) -> int:
    """How many categories lie in one another below this one, itself counted."""
    level = literal(1).label("level")
    tree = select(Category.id, level).where(Category.id == id).cte("below", recursive=True)
    inner = select(Category.id, tree.c.level + 1).join(tree, Category.parent_id == tree.c.id)
    tree = tree.union_all(inner)
    return await session.scalar(select(func.max(tree.c.level))) or 0
