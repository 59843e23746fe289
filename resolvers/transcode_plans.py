"""Dry runs: what transcoding a video would make, and cost. Nothing is planned by that."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from db import costs, videos
from db.models import Video
from db.session import ReadSession
from domain import passes, simulation
from domain.estimates import estimate
from domain.ladder import display_size
from domain.media import Source
from domain.passes import Pass
from domain.templates import Rendition, Skip, Template, rendition
from domain.videos import Resolution, TranscodePass, VideoStatus
from jobs import plans
from media import commands  # the one part of media/ that the API loads: it is pure
from media.commands import SHOWN_INPUT, SHOWN_OUTPUT
from resolvers import play_sets
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class PlannedPass:
    """One run of ffmpeg, and what it is expected to take."""

    kind: TranscodePass
    renditions: Sequence[Rendition]
    arguments: Sequence[str]
    output_bytes: int
    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class TranscodePlan:
    passes: Sequence[PlannedPass]
    skipped: Sequence[Skip]


async def plan(
    ctx: Context, video_id: UUID | None, template_ids: Sequence[UUID] | None, *, redo: bool
) -> TranscodePlan | None:
    """What these templates would make of a video now; or the rules, if it were new.

    None when there is no such video, or nothing is known of its file.
    """
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    if template_ids is not None:
        play_sets.check_named(template_ids)
    if video_id is None:
        return None
    async with ctx.services.db.read() as session:
        video = (await videos.of_account(session, account_id, [video_id])).get(video_id)
        if video is None or video.source is None or video.status is VideoStatus.DELETED:
            return None
        source = Source.from_json(video.source)
        if source.duration_ms <= 0:
            return None
        if template_ids is None:
            runs, skipped = await _if_new(session, video, source)
        else:
            runs, skipped = await _as_it_is(session, video, source, template_ids, redo=redo)
        sizes = _sizes(source, video.file_size, runs)
        planned = [await _planned(session, video, source, one, sizes=sizes) for one in runs]
    return TranscodePlan(planned, skipped)


async def _if_new(
    session: ReadSession, video: Video, source: Source
) -> tuple[list[Pass], list[Skip]]:
    chosen, skipped = await plans.automatic(session, video, source)
    return passes.plan(source, chosen, pictures=True), skipped


async def _as_it_is(
    session: ReadSession, video: Video, source: Source, ids: Sequence[UUID], *, redo: bool
) -> tuple[list[Pass], list[Skip]]:
    found = await play_sets.choices(session, video, source, ids, redo=redo)
    new, again = play_sets.apart(found)
    runs = await plans.passes_of(session, video, new, again=again)
    return runs, [Skip(one.template, one.obstacle) for one in found if one.obstacle is not None]


def _sizes(source: Source, file_size: int, runs: Sequence[Pass]) -> dict[UUID, int]:
    """Bytes of each play set. Passes share their sound, but for those of a redo."""
    shared = [template for one in runs if not one.redo for template in one.templates]
    return {
        template.id: found.bytes
        for some in (shared, *(one.templates for one in runs if one.redo))
        for template, found in zip(some, estimate(source, some, file_size=file_size), strict=True)
    }


async def _planned(
    session: ReadSession, video: Video, source: Source, one: Pass, *, sizes: dict[UUID, int]
) -> PlannedPass:
    pace = simulation.pace_of(video.simulation)
    return PlannedPass(
        kind=one.kind,
        renditions=[_rendition(source, template) for template in one.templates],
        arguments=commands.of_pass(one, source, SHOWN_INPUT, SHOWN_OUTPUT, pace=pace),
        output_bytes=sum(sizes[template.id] for template in one.templates),
        cpu_s=sum(each.cpu_s for each in estimate(source, one.templates)),
        wall_s=await costs.expected_s(session, video, one.templates) or 0.0,
    )


def _rendition(source: Source, template: Template) -> Rendition:
    if template.resolution is Resolution.ORIGIN:
        return Rendition(template, *display_size(source), Fraction(source.frame_rate))
    return rendition(source, template)
