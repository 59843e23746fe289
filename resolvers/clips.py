"""Clips and splices: new videos, cut out of the caller's own or joined from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from db import accounts, clips, tasks, videos
from db.models import Content, Task, Video
from db.rows import Rows
from db.session import ReadSession, WriteSession
from domain import text
from domain.clips import (
    ClipInitFailed,
    Segment,
    check_count,
    check_duration,
    check_segments,
    check_spliced,
)
from domain.errors import NotFound
from domain.paging import Window
from domain.tasks import TaskKind, TaskStatus
from domain.videos import SourceKind, VideoStatus
from jobs import plans
from jobs.plans import NewVideo
from resolvers import categories
from resolvers import videos as own_videos
from resolvers.context import Context

Piece = tuple[UUID, Segment]
"""Which video, and what of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the caller says of the video that is made."""

    title: str
    description: str | None = None
    category_id: UUID | None = None
    """None: that of the video that it is cut out of, or that comes first in it."""
    skip_auto_transcode: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """The work, and the video that it makes."""

    task: Task
    video: Video


def segments(_ctx: Context) -> Rows:
    """Pieces of tasks that are the caller's own."""
    return Rows.of(clips.SEGMENTS, by="task_id")


def of_video(ctx: Context, window: Window) -> Rows:
    """The caller's videos that were cut out of each, newest first."""
    return own_videos.page(ctx, window)._replace(by="clipped_from_id")


async def source(ctx: Context, task: Task) -> Video | None:
    """What a clip is cut out of; None once that is gone. All of its pieces are of the same."""
    pieces = await ctx.load.rows(segments(ctx), task.id)
    return await ctx.load.row(own_videos.own(ctx), pieces[0].video_id) if pieces else None


async def create_clip(
    ctx: Context, video_id: UUID, segments: Sequence[Segment], made: Made
) -> Begun:
    """Have pieces of a video made into a new one."""
    account_id = ctx.account_id
    new = replace(_new(ctx, made, SourceKind.TRIM), clipped_from_id=video_id)
    check_count(segments)
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)  # whoever deletes a category waits
        (duration_ms,) = await _durations(session, account_id, {video_id: ["videoId"]})
        check_segments(segments, duration_ms)
        pieces = [(video_id, segment) for segment in segments]
        return await _begin(ctx, session, TaskKind.CLIP, new, pieces)


async def create_splice(ctx: Context, video_ids: Sequence[UUID], made: Made) -> Begun:
    """Have videos joined into a new one, whole, in this order; the same may come again."""
    account_id = ctx.account_id
    new = _new(ctx, made, SourceKind.SPLICE)
    check_spliced(len(video_ids))
    paths = {id: ["videoIds", str(video_ids.index(id))] for id in video_ids}
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)  # whoever deletes a category waits
        found = dict(zip(paths, await _durations(session, account_id, paths), strict=True))
        pieces = [(id, Segment(0, found[id])) for id in video_ids]
        check_duration(sum(piece.duration_ms for _, piece in pieces), path=["videoIds"])
        return await _begin(ctx, session, TaskKind.SPLICE, new, pieces)


def _new(ctx: Context, made: Made, kind: SourceKind) -> NewVideo:
    return NewVideo(
        account_id=ctx.account_id,
        title=text.title(made.title),
        description=text.optional("description", made.description, text.MAX_DESCRIPTION),
        source_kind=kind,
        category_id=made.category_id,
        skip_auto_transcode=made.skip_auto_transcode,
    )


async def _durations(
    session: ReadSession, account_id: UUID, paths: dict[UUID, list[str]]
) -> list[int]:
    """How long each video lasts, in milliseconds. `paths` say where the caller named them."""
    known = await clips.sources(session, account_id, list(paths))
    for id, path in paths.items():
        if id not in known:
            raise NotFound("Video", id, path=path)
    return [_duration_ms(*known[id], path) for id, path in paths.items()]


def _duration_ms(video: Video, content: Content | None, path: Sequence[str]) -> int:
    """Raises `ClipInitFailed` for what has no file that was found to be a video, or had one."""
    readable = content is not None and content.damaged_at is None
    if not readable or video.duration_ms is None or video.status is VideoStatus.DELETED:
        raise ClipInitFailed(
            f"The video is {video.status.name} and has no file that can be read.", path=path
        )
    return video.duration_ms


async def _begin(
    ctx: Context, session: WriteSession, kind: TaskKind, new: NewVideo, pieces: Sequence[Piece]
) -> Begun:
    category_id = await categories.check(session, new.account_id, new.category_id)
    category_id = category_id or await videos.category_id(session, pieces[0][0])
    video = await plans.add_video(session, replace(new, category_id=category_id))
    task = Task(
        account_id=video.account_id,
        kind=kind,
        status=TaskStatus.QUEUED,
        video_id=video.id,
        total_count=len(pieces),
    )
    await tasks.add(session, task)
    await clips.add(session, task.id, pieces)
    await ctx.services.queue.defer(session, task)
    return Begun(await tasks.fresh(session, task), await videos.fresh(session, video))
