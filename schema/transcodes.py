"""Having more made of a video."""

from typing import Annotated, cast

import strawberry

from resolvers import play_sets
from schema import ids
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.costs import LIST_SIZE, ListSize
from schema.info import Info
from schema.play_sets import PlaySet
from schema.templates import template_keys


@strawberry.input(description="What more is to be made of a video.")
class TranscodeVideoInput:
    id: strawberry.ID = strawberry.field(description="Id of the video.")
    template_ids: list[strawberry.ID] = strawberry.field(
        description="Ids of the templates to use, 1 to 20."
    )
    redo: bool = strawberry.field(
        default=False,
        description="Whether what is READY is to be made anew. It can be played until the new one"
        " can, which then takes its place; if that fails, it stays.",
    )


@strawberry.type(description="What is being made.")
class TranscodePayload(MutationPayload):
    play_sets: list[PlaySet] = strawberry.field(
        default_factory=list[PlaySet],
        metadata={LIST_SIZE: ListSize(6)},
        description="The play sets of these templates, lowest rung first; empty after errors."
        " What another video of the same bytes has is READY at once.",
    )


@strawberry.type
class TranscodeMutation:
    @strawberry.mutation(
        description="Have more play sets made of a video whose file was looked into: all that are"
        " asked for, or none. TRANSCODE_EXISTS: it is being made, or is there and `redo` is not"
        " given; of two equal calls at once, one gets that. TEMPLATE_UNSUITABLE: it would make"
        " nothing of this video. VIDEO_UPLOADING, VIDEO_UPLOAD_FAILED: there is no file, yet or"
        " ever.",
        extensions=[ExpectedErrors(TranscodePayload)],
    )
    async def transcode_video(
        self,
        info: Info,
        input: Annotated[TranscodeVideoInput, strawberry.argument(description="What to make.")],
    ) -> TranscodePayload:
        key = ids.decode(input.id, "Video")
        keys = template_keys(input.template_ids)
        rows = await play_sets.transcode(info.context, key, keys, redo=input.redo)
        return TranscodePayload(play_sets=cast("list[PlaySet]", rows))
