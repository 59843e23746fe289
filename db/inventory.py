"""What the tables say that the store must have, and sums of what they say themselves."""

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, true, union, update
from sqlalchemy.orm import aliased

from db.models import (
    Account,
    AudioTrack,
    Content,
    Garbage,
    PlaySet,
    StoredObject,
    Task,
    UploadSession,
    Video,
)
from db.session import Database, ReadSession, WriteSession
from domain.play_sets import PlaySetStatus
from domain.tasks import UNFINISHED
from domain.uploads import OPEN

_PAGE = 500


class Miscount(NamedTuple):
    """A number that is kept, and what it should be."""

    id: UUID
    name: str
    kept: int
    true: int


async def contents(db: Database) -> AsyncGenerator[Content]:
    """Every content, a page at a time, so that nothing is held while each is looked at."""
    after = UUID(int=0)
    while True:
        async with db.read() as session:
            page = await session.scalars(
                select(Content).where(Content.id > after).order_by(Content.id).limit(_PAGE)
            )
            rows = list(page)
        if not rows:
            return
        for row in rows:
            yield row
        after = rows[-1].id


async def made(db: Database) -> AsyncGenerator[tuple[str, UUID, str]]:
    """Every file that a row of what was made names: what the row is, its id, and the key."""
    named = (
        ("play set", PlaySet.id, PlaySet.playlist_key, PlaySet.status == PlaySetStatus.READY),
        ("audio track", AudioTrack.id, AudioTrack.playlist_key, true()),
        ("video", Video.id, Video.poster_key, true()),
        ("video", Video.id, Video.storyboard_key, true()),
        ("video", Video.id, Video.cover_key, true()),
    )
    for kind, id_column, key_column, condition in named:
        after = UUID(int=0)
        while True:
            wanted = select(id_column, key_column).where(
                id_column > after, key_column.is_not(None), condition
            )
            async with db.read() as session:
                page = await session.execute(wanted.order_by(id_column).limit(_PAGE))
                rows = page.all()
            if not rows:
                break
            for id, key in rows:
                yield kind, id, str(key)
            after = rows[-1][0]


def _is_needed() -> ColumnElement[bool]:
    """Whether a session is open, or a piece of one that is."""
    whole = aliased(UploadSession)
    pieces = select(func.unnest(whole.partials)).where(whole.status.in_(OPEN))
    held = UploadSession.storage_token != ""
    return held & (UploadSession.status.in_(OPEN) | UploadSession.id.in_(pieces))


async def known_sources(session: ReadSession, keys: Collection[str]) -> set[str]:
    """Which of these keys some row is about: a content, an upload under way, or garbage."""
    rows = await session.scalars(
        union(
            select(Content.key).where(Content.key.in_(keys)),
            select(UploadSession.storage_key).where(
                UploadSession.storage_key.in_(keys), _is_needed()
            ),
            select(Garbage.key).where(Garbage.key.in_(keys)),
        )
    )
    return set(rows)


async def outputs(session: ReadSession, content_ids: Collection[UUID]) -> set[str]:
    """A file of every output of tasks on these contents that a row refers to."""
    mine = select(Video.id).where(Video.content_id.in_(content_ids))
    rows = await session.scalars(
        union(
            select(PlaySet.playlist_key).where(
                PlaySet.video_id.in_(mine), PlaySet.playlist_key.is_not(None)
            ),
            select(AudioTrack.playlist_key).where(AudioTrack.video_id.in_(mine)),
            select(Video.poster_key).where(
                Video.content_id.in_(content_ids), Video.poster_key.is_not(None)
            ),
            select(Video.storyboard_key).where(
                Video.content_id.in_(content_ids), Video.storyboard_key.is_not(None)
            ),
            select(Video.cover_key).where(
                Video.content_id.in_(content_ids), Video.cover_key.is_not(None)
            ),
        )
    )
    return {str(key) for key in rows}


async def unfinished(session: ReadSession, task_ids: Collection[UUID]) -> set[UUID]:
    """Which of these tasks may still write."""
    rows = await session.scalars(
        select(Task.id).where(Task.id.in_(task_ids), Task.status.in_(UNFINISHED))
    )
    return set(rows)


async def prefixes_of_garbage(session: ReadSession) -> list[str]:
    return list(await session.scalars(select(Garbage.key).where(Garbage.key.endswith("/"))))


async def waiting_garbage(session: ReadSession, keys: Collection[str]) -> set[str]:
    """Which of these keys are removed anyway, unless a run that stores them now keeps them."""
    return set(await session.scalars(select(Garbage.key).where(Garbage.key.in_(keys))))


async def open_uploads(session: ReadSession, tokens: Collection[str]) -> set[str]:
    """Which of these uploads, by the store's names, belong to a session that needs them."""
    rows = await session.scalars(
        select(UploadSession.storage_token).where(
            UploadSession.storage_token.in_(tokens), _is_needed()
        )
    )
    return set(rows)


async def miscounts(session: ReadSession) -> Sequence[Miscount]:
    """References of contents and bytes of accounts that are not the sums of their objects."""
    holds = select(func.count()).where(StoredObject.content_id == Content.id).scalar_subquery()
    used = (
        select(func.coalesce(func.sum(StoredObject.file_size), 0))
        .where(StoredObject.account_id == Account.id)
        .scalar_subquery()
    )
    wrong_contents = select(Content.id, Content.references, holds).where(
        Content.references != holds
    )
    wrong_accounts = select(Account.id, Account.storage_used, used).where(
        Account.storage_used != used
    )
    return [
        *(Miscount(id, "references", a, b) for id, a, b in await session.execute(wrong_contents)),
        *(
            Miscount(id, "storage_used", a, int(b))
            for id, a, b in await session.execute(wrong_accounts)
        ),
    ]


async def recount(session: WriteSession) -> None:
    """Make the kept numbers right, while nobody changes what they count."""
    await session.execute(select(Account.id).order_by(Account.id).with_for_update())
    await session.execute(select(Content.id).order_by(Content.id).with_for_update())
    for one in await miscounts(session):
        table = Content if one.name == "references" else Account
        await session.execute(update(table).where(table.id == one.id).values({one.name: one.true}))
