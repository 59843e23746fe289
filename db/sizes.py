"""Statements about how many bytes videos take: see domain/sizes.py for what counts."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)

from db import video_filters
from db.models import AudioTrack, Category, PlaySet, Video
from db.paging import Order
from db.rows import Source, equals
from db.session import ReadSession
from domain.play_sets import PlaySetStatus
from domain.sizes import Count, FileKind, ResolutionSize, Sizes
from domain.videos import Resolution, VideoStatus


def _one_of(column: str, name: str) -> Any:  # noqa: ANN401  (what a column is compared with)
    return any_(bindparam(name, type_=ARRAY(getattr(Video, column).type)))


SIZED = Source(
    Video,
    {
        "account_id": equals("account_id"),
        "ids": lambda row, name: row.id == _one_of("id", name),
        "category_ids": lambda row, name: row.category_id == _one_of("category_id", name),
        "category_tree": video_filters.below,
        "deleted": lambda row, name: (row.status == VideoStatus.DELETED) == bindparam(name),
    },
)
NEWEST_FIRST = Order("created_at")
_IDS: Final = bindparam("ids", type_=ARRAY(Uuid()))
"""The statements are built once: that takes longer than to run one of a few rows."""


def _kept(which: ColumnElement[bool]) -> CTE:
    columns = Video.id, Video.category_id, Video.duration_ms, Video.file_size, Video.content_id
    return select(*columns).where(Video.status != VideoStatus.DELETED, which).cte("kept")


def _files(kept: CTE) -> Subquery:
    """Every file that counts: its video and that one's category, its kind, rung and bytes."""
    of = kept.c.id.label("video_id"), kept.c.category_id
    source = select(
        *of,
        literal(FileKind.SOURCE.value).label("kind"),
        literal(Resolution.ORIGIN.value).label("resolution"),
        kept.c.duration_ms,
        kept.c.file_size.label("size"),
    ).where(kept.c.content_id.is_not(None))
    is_ready = PlaySet.status == PlaySetStatus.READY
    play_sets = (
        select(
            *of,
            literal(FileKind.PLAY_SET.value),
            PlaySet.resolution,
            PlaySet.duration_ms,
            PlaySet.file_size,
        )
        .join(kept, kept.c.id == PlaySet.video_id)
        .where(is_ready)
    )
    is_heard = select(PlaySet.id).where(
        PlaySet.video_id == AudioTrack.video_id, PlaySet.audio_track_id == AudioTrack.id, is_ready
    )
    sounds = (
        select(
            *of,
            literal(FileKind.SOUND.value),
            null(),
            cast(null(), BigInteger),
            AudioTrack.file_size,
        )
        .join(kept, kept.c.id == AudioTrack.video_id)
        .where(is_heard.exists())
    )
    return union_all(source, play_sets, sounds).subquery("files")


def _sum(column: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


@cache
def _of_videos() -> Select[*tuple[Any, ...]]:
    files = _files(_kept(Video.id == any_(_IDS)))
    by = files.c.video_id, files.c.kind, files.c.resolution
    size, duration_ms = _sum(files.c.size), func.max(files.c.duration_ms)
    return select(*by, size.label("size"), duration_ms.label("duration_ms")).group_by(*by)


async def of_videos(session: ReadSession, ids: Sequence[UUID]) -> Mapping[UUID, Sizes]:
    """What each of these videos takes."""
    found: dict[UUID, list[Any]] = {id: [] for id in ids}
    for row in await session.execute(_of_videos(), {"ids": list(ids)}):
        found[row.video_id].append(row)
    return {id: _sizes(rows) for id, rows in found.items()}


def _sizes(rows: Sequence[Any]) -> Sizes:
    by_kind = dict.fromkeys(FileKind, 0)
    for row in rows:
        by_kind[FileKind(row.kind)] += row.size
    sound = by_kind[FileKind.SOUND]
    return Sizes(
        source=by_kind[FileKind.SOURCE],
        play_sets=by_kind[FileKind.PLAY_SET] + sound,
        sound=sound,
        resolutions=tuple(_rungs(row for row in rows if row.kind != FileKind.SOUND)),
    )


def _rungs(rows: Iterable[Any]) -> list[ResolutionSize]:
    """One for each rung, lowest first; how long the source lasts, where it is a part of it."""
    found: dict[Resolution, ResolutionSize] = {}
    for row in sorted(rows, key=lambda one: one.kind == FileKind.SOURCE):
        rung = Resolution(row.resolution)
        other = found.get(rung)
        size = row.size + (other.size if other else 0)
        found[rung] = ResolutionSize(rung, row.duration_ms, size)
    return [found[rung] for rung in Resolution if rung in found]


def _places(*, deep: bool) -> CTE:
    """The categories as `root`, and as `id` what lies in each: itself, or all below it, too."""
    root = Category.id.label("root")
    tree = select(root, Category.id).where(Category.id == any_(_IDS)).cte("places", recursive=True)
    inner = select(tree.c.root, Category.id).join(tree, Category.parent_id == tree.c.id)
    return tree.union_all(inner.where(literal(deep)))


@cache
def _counted(*, deep: bool) -> Select[Any, int, int]:
    places = _places(deep=deep)
    kept = _kept(Video.category_id.in_(select(places.c.id)))
    return (
        select(places.c.root, func.count(), _sum(kept.c.duration_ms))
        .join(kept, kept.c.category_id == places.c.id)
        .group_by(places.c.root)
    )


async def _counts(session: ReadSession, ids: Sequence[UUID], *, deep: bool) -> Mapping[UUID, Count]:
    found = await session.execute(_counted(deep=deep), {"ids": list(ids)})
    counts = {id: Count(videos, duration_ms) for id, videos, duration_ms in found}
    return {id: counts.get(id, Count()) for id in ids}


@cache
def _summed(*, deep: bool) -> Select[Any, int]:
    places = _places(deep=deep)
    files = _files(_kept(Video.category_id.in_(select(places.c.id))))
    by_place = select(files.c.category_id, _sum(files.c.size).label("size"))
    sums = by_place.group_by(files.c.category_id).subquery()
    return (
        select(places.c.root, _sum(sums.c.size).label("size"))
        .join(sums, sums.c.category_id == places.c.id)
        .group_by(places.c.root)
    )


async def _bytes(session: ReadSession, ids: Sequence[UUID], *, deep: bool) -> Mapping[UUID, int]:
    found = await session.execute(_summed(deep=deep), {"ids": list(ids)})
    sizes = {row.root: row.size for row in found}
    return {id: sizes.get(id, 0) for id in ids}


COUNTS: Final = {deep: partial(_counts, deep=deep) for deep in (False, True)}
"""How many videos there are in each category; if `deep`, in those below it, too."""
BYTES: Final = {deep: partial(_bytes, deep=deep) for deep in (False, True)}
"""How many bytes these take."""


async def of_account(session: ReadSession, account_id: UUID) -> tuple[Count, Sizes]:
    """What all videos of an account are and take; not by rung."""
    kept = _kept(Video.account_id == account_id)
    counted = await session.execute(
        select(func.count(), _sum(kept.c.duration_ms)).select_from(kept)
    )
    files = _files(kept)
    found = await session.execute(
        select(files.c.kind, _sum(files.c.size).label("size")).group_by(files.c.kind)
    )
    by_kind = {row.kind: row.size for row in found}
    sound = by_kind.get(FileKind.SOUND, 0)
    return Count(*counted.one()), Sizes(
        source=by_kind.get(FileKind.SOURCE, 0),
        play_sets=by_kind.get(FileKind.PLAY_SET, 0) + sound,
        sound=sound,
    )
