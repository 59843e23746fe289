"""Play sets: which ones a caller may ask for, and having more of them made."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db import accounts, play_sets, templates, video_states, videos
from db.models import PlaySet, Video
from db.rows import Rows
from db.session import ReadSession
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
from domain.own_templates import check_chosen
from domain.play_sets import FAILED_PLAY_SETS, LIVE_PLAY_SETS, OPEN_PLAY_SETS, PlaySetStatus
from domain.templates import SkipReason, Template, skip_reason
from domain.videos import Resolution, VideoStatus
from jobs import plans
from resolvers.context import Context

UNSUITABLE = {
    SkipReason.ABOVE_SOURCE: "The video is smaller than {name!r} would be.",
    SkipReason.NOT_COPYABLE: "Players could not show a copy of this video's own streams.",
}


class Choice(NamedTuple):
    """A template that the caller named, and what comes of it."""

    template: Template
    at: int
    """Its place in what the caller sent."""
    obstacle: SkipReason | None
    """Why nothing is made with it."""
    runs: bool
    """Whether it is in the way that a play set is being made already."""
    again: bool
    """Whether what is made takes the place of what is READY."""
    failed: Sequence[UUID]
    """Play sets that failed in former forms of it."""


class _Made(NamedTuple):
    """What a video has of one template, in whichever form: the present one or a former."""

    every: Sequence[PlaySet]
    template: Template

    @property
    def is_open(self) -> bool:
        return any(one.status in OPEN_PLAY_SETS for one in self.every)

    @property
    def is_ready(self) -> bool:
        """In the present form."""
        mine = [one for one in self.every if one.template_id == self.template.id]
        return any(one.status is PlaySetStatus.READY for one in mine)

    @property
    def former(self) -> Sequence[PlaySet]:
        return [one for one in self.every if one.template_id != self.template.id]


def own(ctx: Context) -> Rows:
    """The caller's play sets, by their keys."""
    return Rows.of(play_sets.PLAY_SETS, by="id", account_id=ctx.account_id)


def of_video(
    _ctx: Context,
    *,
    statuses: Collection[PlaySetStatus] | None = None,
    resolutions: Collection[Resolution] | None = None,
    template_ids: Collection[UUID] | None = None,
) -> Rows:
    """Play sets of videos that are the caller's own, lowest rung first.

    Deleted ones are left out, unless they are asked for.
    """
    return Rows.of(
        play_sets.PLAY_SETS,
        by="video_id",
        statuses=statuses or LIVE_PLAY_SETS,
        resolutions=resolutions,
        templates=template_ids,
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
    So are those that were made with former forms of the templates, in any case.
    """
    account_id = ctx.account_id
    check_named(template_ids)
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)
        video = await videos.lock(session, video_id)
        if video is None or video.account_id != account_id:
            raise NotFound("Video", video_id, path=["id"])
        source = _source(video)
        found = await choices(session, video, source, template_ids, redo=redo)
        _check(found)
        await play_sets.give_up(session, [id for one in found for id in one.failed])
        await video_states.revive(session, [video.id])
        new, again = apart(found)
        planned = await plans.transcode(session, ctx.services.queue, video, new, again=again)
    order = list(Resolution)
    return sorted(planned, key=lambda one: order.index(one.resolution))


def _source(video: Video) -> Source:
    """What is known of the video's file. Raises what keeps it from being transcoded."""
    allowed = [VideoStatus.PUBLISHED.name]
    if video.status is VideoStatus.DELETED:
        raise InvalidState("The video", current=video.status.name, allowed=allowed, path=["id"])
    if video.source is not None and video.content_id is not None:
        return Source.from_json(video.source)
    failed = video.status is VideoStatus.UPLOAD_FAILED
    kind = VideoUploadFailed if failed else VideoUploading
    raise kind("The video", current=video.status.name, allowed=allowed, path=["id"])


def check_named(template_ids: Sequence[UUID]) -> None:
    """Raise what is wrong with the number of templates that a caller names."""
    if not template_ids:
        raise InvalidArgument("Name at least one template.", path=["templateIds"])
    check_chosen(template_ids)


async def choices(
    session: ReadSession, video: Video, source: Source, ids: Sequence[UUID], *, redo: bool
) -> list[Choice]:
    """What comes of templates that the caller names for a video; of each once.

    The dry run and the real one both go by this. Raises `NotFound`.
    """
    known = await templates.usable(session, video.account_id, ids)
    for at, id in enumerate(ids):
        if id not in known:
            raise NotFound("TranscodeTemplate", id, path=["templateIds", str(at)])
    made = (await play_sets.of_videos(session, [video.id]))[video.id]
    keys = await templates.keys(session, [one.template_id for one in made])
    return [
        _choice(
            source,
            _Made([one for one in made if keys[one.template_id] == id], known[id]),
            at=ids.index(id),
            redo=redo,
        )
        for id in dict.fromkeys(ids)
    ]


def _choice(source: Source, made: _Made, *, at: int, redo: bool) -> Choice:
    obstacle = skip_reason(source, made.template)
    if obstacle is None and (made.is_open or (made.is_ready and not redo)):
        obstacle = SkipReason.ALREADY_THERE
    failed = [one.id for one in made.former if one.status in FAILED_PLAY_SETS]
    return Choice(
        template=made.template,
        at=at,
        obstacle=obstacle,
        runs=made.is_open,
        again=redo or len(failed) < len(made.former),
        failed=failed,
    )


def apart(found: Sequence[Choice]) -> tuple[list[Template], list[Template]]:
    """What is made for the first time, and what is made again; without what is not made."""
    made = [one for one in found if one.obstacle is None]
    return (
        [one.template for one in made if not one.again],
        [one.template for one in made if one.again],
    )


def _check(found: Sequence[Choice]) -> None:
    """Raise what keeps a template from being used."""
    for one in found:
        path, name = ["templateIds", str(one.at)], one.template.name
        if one.obstacle is SkipReason.ALREADY_THERE:
            raise TranscodeExists(name, runs=one.runs, path=path)
        if one.obstacle is not None:
            raise TemplateUnsuitable(UNSUITABLE[one.obstacle].format(name=name), path=path)
