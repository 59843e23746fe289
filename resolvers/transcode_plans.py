"""Dry runs: what transcoding a video would make, and cost. Nothing is planned by that."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final
from uuid import UUID

from db import costs, play_sets, templates, videos
from db.models import Video
from db.session import ReadSession
from domain import passes
from domain.errors import NotFound
from domain.estimates import estimate
from domain.ladder import display_size
from domain.media import Source
from domain.own_templates import check_chosen
from domain.passes import Pass
from domain.play_sets import OPEN_PLAY_SETS, PlaySetStatus
from domain.simulation import Simulation
from domain.templates import Rendition, Skip, SkipReason, Template, choose, rendition
from domain.videos import Resolution, TranscodePass
from jobs import plans
from media import commands  # the one part of media/ that the API loads: it is pure
from resolvers.context import Context

SOURCE: Final = Path("source")
OUTPUT: Final = Path("output")
"""What stands in arguments for the source's file and the folder of what is made."""

THERE: Final = {*OPEN_PLAY_SETS, PlaySetStatus.READY}


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


@dataclass(frozen=True, slots=True)
class _Wanted:
    chosen: Sequence[Template]
    skipped: Sequence[Skip]
    pictures: bool
    sounds: Sequence[str] = ()


async def plan(
    ctx: Context, video_id: UUID | None, template_ids: Sequence[UUID] | None
) -> TranscodePlan | None:
    """What these templates would make of a video now; or the rules, if it were new.

    None when there is no such video, or nothing is known of its file.
    """
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    check_chosen(template_ids or ())
    if video_id is None:
        return None
    async with ctx.services.db.read() as session:
        video = (await videos.of_account(session, account_id, [video_id])).get(video_id)
        if video is None or video.source is None:
            return None
        source = Source.from_json(video.source)
        if source.duration_ms <= 0:
            return None
        wanted = await _wanted(session, video, source, template_ids)
        runs = passes.plan(source, wanted.chosen, pictures=wanted.pictures, sounds=wanted.sounds)
        sizes = _sizes(source, video.file_size, runs)
        planned = [await _planned(session, video, source, one, sizes=sizes) for one in runs]
    return TranscodePlan(planned, wanted.skipped)


async def _wanted(
    session: ReadSession, video: Video, source: Source, ids: Sequence[UUID] | None
) -> _Wanted:
    if ids is None:
        chosen, skipped = await plans.automatic(session, video, source)
        return _Wanted(chosen, skipped, pictures=True)
    known = await templates.usable(session, video.account_id, ids)
    for id in ids:
        if id not in known:
            raise NotFound("TranscodeTemplate", id, path=["templateIds"])
    made = (await play_sets.of_videos(session, [video.id]))[video.id]
    keys = await templates.keys(session, [one.template_id for one in made])
    open_ones = {keys[one.template_id] for one in made if one.status in OPEN_PLAY_SETS}
    there = {one.template_id for one in made if one.status in THERE}
    asked = {id: known[id] for id in ids}
    exists = [one for id, one in asked.items() if id in open_ones or one.id in there]
    chosen, skipped = choose(source, (one for one in asked.values() if one not in exists))
    return _Wanted(
        chosen,
        [*skipped, *(Skip(one, SkipReason.ALREADY_THERE) for one in exists)],
        pictures=video.poster_key is None,
        sounds=list(await play_sets.latest_sounds(session, video.id)),
    )


def _sizes(source: Source, file_size: int, runs: Sequence[Pass]) -> dict[UUID, int]:
    """Bytes of each play set. Passes share their sound, so all are estimated together."""
    every = [template for one in runs for template in one.templates]
    found = estimate(source, every, file_size=file_size) if every else []
    return {template.id: one.bytes for template, one in zip(every, found, strict=True)}


async def _planned(
    session: ReadSession, video: Video, source: Source, one: Pass, *, sizes: dict[UUID, int]
) -> PlannedPass:
    make = commands.origin if one.kind is TranscodePass.ORIGIN else commands.encode
    pace = Simulation.from_json(video.simulation).pace if video.simulation else None
    return PlannedPass(
        kind=one.kind,
        renditions=[_rendition(source, template) for template in one.templates],
        arguments=make(one, source, SOURCE, OUTPUT, pace=pace),
        output_bytes=sum(sizes[template.id] for template in one.templates),
        cpu_s=sum(each.cpu_s for each in estimate(source, one.templates)),
        wall_s=await costs.expected_s(session, video, one.templates) or 0.0,
    )


def _rendition(source: Source, template: Template) -> Rendition:
    if template.resolution is Resolution.ORIGIN:
        return Rendition(template, *display_size(source), Fraction(source.frame_rate))
    return rendition(source, template)
