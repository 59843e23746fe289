"""Dry runs of transcoding."""

from collections.abc import Sequence
from typing import Annotated, cast
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.own_templates import MAX_CHOSEN
from domain.templates import Rendition, Skip
from resolvers import templates, transcode_plans
from resolvers.play_sets import UNSUITABLE
from resolvers.transcode_plans import PlannedPass
from schema import ids
from schema.enums import SkipReason, TranscodePass
from schema.execution.costs import LIST_SIZE, ListSize
from schema.info import Info
from schema.optional import given
from schema.scalars import Bytes
from schema.templates import TranscodeTemplate, template_keys

ALREADY_THERE = "The video has a play set of {name!r}, or is getting one."


@strawberry.type(description="A picture that would be made.")
class PlannedRendition:
    template_key: strawberry.Private[UUID]

    width: int = strawberry.field(description="Pixels.")
    height: int = strawberry.field(description="Pixels.")
    frame_rate: float = strawberry.field(description="Frames per second.")

    @strawberry.field(description="The template that makes it.")
    async def template(self, info: Info) -> TranscodeTemplate | None:
        return await _template(info, self.template_key)


@strawberry.type(description="One run of ffmpeg over the video.")
class PlannedTranscode:
    transcode_pass: TranscodePass = strawberry.field(name="pass", description="What it makes.")
    renditions: list[PlannedRendition] = strawberry.field(
        description="Its pictures, lowest rung first.", metadata={LIST_SIZE: ListSize(MAX_CHOSEN)}
    )
    arguments: list[str] = strawberry.field(
        description="ffmpeg's arguments, with `source` and `output` in place of paths; a worker"
        " adds only how many threads it uses."
    )
    output_bytes: Bytes = strawberry.field(
        description="About how many bytes it makes. Common video is assumed: a lecture has far"
        " fewer."
    )
    cpu_seconds: float = strawberry.field(description="About how much processor time it takes.")
    wall_seconds: float = strawberry.field(
        description="About how long it takes once it runs: measured with videos like this one, as"
        " far as there were any."
    )


@strawberry.type(description="A template that would make nothing.")
class SkippedTemplate:
    template_key: strawberry.Private[UUID]

    reason: SkipReason = strawberry.field(description="Why.")
    message: str = strawberry.field(description="Why, as a whole English sentence.")

    @strawberry.field(description="The template.")
    async def template(self, info: Info) -> TranscodeTemplate | None:
        return await _template(info, self.template_key)


@strawberry.type(
    description="What transcoding would make of a video. What another video of the same bytes"
    " has would be shared instead, which this does not look for."
)
class TranscodePlan:
    passes: list[PlannedTranscode] = strawberry.field(
        description="In the order in which they would be queued; ORIGIN waits for no other.",
        metadata={LIST_SIZE: ListSize(MAX_CHOSEN)},
    )
    skipped: list[SkippedTemplate] = strawberry.field(
        description="What would not be made.", metadata={LIST_SIZE: ListSize(MAX_CHOSEN)}
    )


async def _template(info: Info, key: UUID) -> TranscodeTemplate | None:
    """The caller was allowed to name it, or it is one of the caller's rules'."""
    ctx = info.context
    return cast("TranscodeTemplate | None", await ctx.load.row(templates.of_play_set(ctx), key))


def _pass(one: PlannedPass) -> PlannedTranscode:
    return PlannedTranscode(
        transcode_pass=one.kind,
        renditions=[_rendition(picture) for picture in one.renditions],
        arguments=list(one.arguments),
        output_bytes=Bytes(one.output_bytes),
        cpu_seconds=round(one.cpu_s, 3),
        wall_seconds=round(one.wall_s, 3),
    )


def _rendition(picture: Rendition) -> PlannedRendition:
    return PlannedRendition(
        template_key=picture.template.id,
        width=picture.width,
        height=picture.height,
        frame_rate=round(float(picture.frame_rate), 3),
    )


def _skipped(all_of_them: Sequence[Skip]) -> list[SkippedTemplate]:
    return [
        SkippedTemplate(
            template_key=one.template.id,
            reason=one.reason,
            message=UNSUITABLE.get(one.reason, ALREADY_THERE).format(name=one.template.name),
        )
        for one in all_of_them
    ]


@strawberry.type
class TranscodePlanQuery:
    @strawberry.field(
        description="A dry run of `transcodeVideo`: what it would make of a video of yours, by"
        " which runs, and what they would take. What is in the way of a template is in `skipped`;"
        " `transcodeVideo` makes all of its templates or none, and refuses such a one. Null when"
        " there is no such video, or while its file was not looked into."
    )
    async def transcode_plan(
        self,
        info: Info,
        video_id: Annotated[strawberry.ID, strawberry.argument(description="Id of the video.")],
        template_ids: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(
                description="Ids of the templates to use, 1 to 20. Without them: what your rules"
                " would make of it if it were new."
            ),
        ] = UNSET,
        *,
        redo: Annotated[
            bool,
            strawberry.argument(
                description="Whether what is READY would be made anew. Only with `templateIds`."
            ),
        ] = False,
    ) -> TranscodePlan | None:
        wanted = given(template_ids)
        keys = None if wanted is None else template_keys(wanted)
        found = await transcode_plans.plan(
            info.context, ids.find(video_id, "Video"), keys, redo=redo
        )
        if found is None:
            return None
        return TranscodePlan(
            passes=[_pass(one) for one in found.passes], skipped=_skipped(found.skipped)
        )
