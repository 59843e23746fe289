"""Play sets: which ones a caller may ask for, and having more of them made."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from db import accounts, play_sets, templates, videos
from db.models import PlaySet, Video
from db.rows import Rows
from db.session import WriteSession
from domain.errors import (
    InvalidArgument,
    InvalidState,
    NotFound,
    TemplateUnsuitable,
    TranscodeExists,
    VideoUploadFailed,
    VideoUploading,
)
from domain.media import Source
from domain.play_sets import LIVE_PLAY_SETS, OPEN_PLAY_SETS, PlaySetStatus
from domain.templates import SkipReason, Template, skip_reason
from domain.videos import Resolution, VideoStatus
from jobs import plans
from resolvers.context import Context

UNSUITABLE = {
    SkipReason.ABOVE_SOURCE: "The video is smaller than {name!r} would be.",
    SkipReason.NOT_COPYABLE: "Players could not show a copy of this video's own streams.",
}


def own(ctx: Context) -> Rows:
    """The caller's play sets, by their keys."""
    return Rows.of(play_sets.PLAY_SETS, by="id", account_id=ctx.account_id)


def of_video(
    _ctx: Context,
    *,
    statuses: Collection[PlaySetStatus] | None = None,
    resolutions: Collection[Resolution] | None = None,
) -> Rows:
    """Play sets of videos that are the caller's own, lowest rung first.

    Deleted ones are left out, unless they are asked for.
    """
    return Rows.of(
        play_sets.PLAY_SETS,
        by="video_id",
        statuses=statuses or LIVE_PLAY_SETS,
        resolutions=resolutions,
    )


def of_task(_ctx: Context) -> Rows:
    """Play sets of tasks that are the caller's own, lowest rung first."""
    return Rows.of(play_sets.PLAY_SETS, by="task_id")


async def queue_position(ctx: Context, play_set: PlaySet) -> int | None:
    return (await ctx.load.forecast(play_set.task_id)).position if _is_open(play_set) else None


async def ready_at(ctx: Context, play_set: PlaySet) -> datetime | None:
    return (await ctx.load.forecast(play_set.task_id)).ready_at if _is_open(play_set) else None


def _is_open(play_set: PlaySet) -> bool:
    return play_set.status in OPEN_PLAY_SETS


async def transcode(
    ctx: Context, video_id: UUID, template_ids: Sequence[UUID], *, redo: bool
) -> list[PlaySet]:
    """Have play sets made: all that are asked for, or none.

    With `redo` those that are READY are made anew; they can be played until the new ones can.
    """
    account_id = ctx.account_id
    if not template_ids:
        raise InvalidArgument("Name at least one template.", path=["templateIds"])
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)
        video = await videos.lock(session, video_id)
        if video is None or video.account_id != account_id:
            raise NotFound("Video", video_id, path=["id"])
        source = _source(video)
        wanted = await _templates(session, account_id, template_ids)
        await _check(session, video, source, wanted, redo=redo)
        return await plans.transcode(session, ctx.services.queue, video, wanted, redo=redo)


def _source(video: Video) -> Source:
    """What is known of the video's file. Raises what keeps it from being transcoded."""
    allowed = [VideoStatus.PUBLISHED.name]
    if video.status is VideoStatus.DELETED:
        raise InvalidState("The video", current=video.status.name, allowed=allowed)
    if video.source is not None and video.content_id is not None:
        return Source.from_json(video.source)
    failed = video.status is VideoStatus.UPLOAD_FAILED
    kind = VideoUploadFailed if failed else VideoUploading
    raise kind("The video", current=video.status.name, allowed=allowed)


async def _templates(
    session: WriteSession, account_id: UUID, ids: Sequence[UUID]
) -> list[Template]:
    known = await templates.usable(session, account_id, ids)
    for at, id in enumerate(ids):
        if id not in known:
            raise NotFound("TranscodeTemplate", id, path=["templateIds", str(at)])
    return [known[id] for id in dict.fromkeys(ids)]


async def _check(
    session: WriteSession, video: Video, source: Source, wanted: Sequence[Template], *, redo: bool
) -> None:
    made = (await play_sets.of_videos(session, [video.id]))[video.id]
    open_ones = {one.template_id for one in made if one.status in OPEN_PLAY_SETS}
    ready = {one.template_id for one in made if one.status is PlaySetStatus.READY}
    for at, template in enumerate(wanted):
        path = ["templateIds", str(at)]
        reason = skip_reason(source, template)
        if reason is not None:
            raise TemplateUnsuitable(UNSUITABLE[reason].format(name=template.name), path=path)
        if template.id in open_ones:
            raise TranscodeExists(template.name, runs=True, path=path)
        if template.id in ready and not redo:
            raise TranscodeExists(template.name, runs=False, path=path)
