"""Key points: marks on the timeline of a video."""

from datetime import datetime
from typing import Annotated, ClassVar, cast

import strawberry
from strawberry import UNSET

from db import models
from resolvers import key_points
from schema import ids, nodes
from schema.errors import ExpectedErrors, MutationPayload
from schema.ids import decode_batch
from schema.info import Info
from schema.nodes import Node
from schema.objects import DeletePayload


@strawberry.type(description="A mark on the timeline of a video.")
class KeyPoint(Node):
    model: ClassVar = models.KeyPoint

    at_ms: int = strawberry.field(description="Where it is, in milliseconds from the start.")
    description: str = strawberry.field(description="What is there, 1 to 255 characters.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")


nodes.register(KeyPoint)


@strawberry.input(description="What a key point is to be.")
class SaveKeyPointInput:
    video_id: strawberry.ID = strawberry.field(description="Id of the video that it marks.")
    at_ms: int = strawberry.field(
        description="Where it is, in milliseconds from the start; not after the end of the video."
        " There is at most one at a moment."
    )
    description: str = strawberry.field(description="What is there, 1 to 255 characters.")
    id: strawberry.ID | None = strawberry.field(
        default=UNSET,
        description="Id of the key point of this video to change; without it, a new one is made.",
    )


@strawberry.type(description="The key point as it is now.")
class KeyPointPayload(MutationPayload):
    key_point: KeyPoint | None = strawberry.field(
        default=None, description="The key point; null when there are errors."
    )


@strawberry.type
class KeyPointMutation:
    @strawberry.mutation(
        description="Mark a moment of a video, or change a mark. A video has at most 200.",
        extensions=[ExpectedErrors(KeyPointPayload)],
    )
    async def save_key_point(
        self,
        info: Info,
        input: Annotated[SaveKeyPointInput, strawberry.argument(description="The key point.")],
    ) -> KeyPointPayload:
        ctx, at_ms, words = info.context, input.at_ms, input.description
        _ = ctx.account_id  # first: a caller without a key is told nothing else
        key = ids.decode_optional(input.id, "KeyPoint")
        video_id = ids.decode(input.video_id, "Video", path=("videoId",))
        if key is None:
            row = await key_points.add(ctx, video_id, at_ms=at_ms, description=words)
        else:
            row = await key_points.change(ctx, key, video_id, at_ms=at_ms, description=words)
        return KeyPointPayload(key_point=cast("KeyPoint", row))

    @strawberry.mutation(
        description="Remove key points of your videos: all of them, or none when one is not there.",
        extensions=[ExpectedErrors(DeletePayload)],
    )
    async def delete_key_points(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="Their ids; up to 500.")
        ],
    ) -> DeletePayload:
        _ = info.context.account_id  # first: without a key, nothing is said of any id
        await key_points.delete(info.context, decode_batch(ids, "KeyPoint"))
        return DeletePayload(deleted_ids=ids)
