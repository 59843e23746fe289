"""Clips and splices: new videos made of pieces of others."""

from typing import Annotated, ClassVar, cast

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.clips import Segment
from domain.tasks import TaskKind
from resolvers import clips, videos
from resolvers.clips import Made
from resolvers.context import Context
from schema import ids
from schema.categories import key_of
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.fields import relation
from schema.info import Info
from schema.tasks import Task, register
from schema.videos import Video


@strawberry.type(description="A piece of a video.")
class ClipSegment:
    model: ClassVar = models.ClipSegment

    start_ms: int = strawberry.field(description="Where it begins, in milliseconds.")
    end_ms: int = strawberry.field(description="Where it ends, in milliseconds.")

    @relation(Video | None, of="video_id", description="The video that it is a piece of.")
    @staticmethod
    def video(ctx: Context) -> Rows:
        return videos.own(ctx)


@strawberry.type(description="Cuts pieces out of a video, and makes a new one of them.")
class ClipTask(Task):
    kinds: ClassVar = None

    @strawberry.field(description="The video that they are cut out of; null once it is gone.")
    @staticmethod
    async def source(root: strawberry.Parent[models.Task], info: Info) -> Video | None:
        return cast("Video | None", await clips.source(info.context, root))

    @relation(
        list[ClipSegment],
        of="id",
        description="The pieces, in the order in which the new video shows them.",
        assumed=5,
    )
    @staticmethod
    def segments(ctx: Context) -> Rows:
        return clips.segments(ctx)


register(TaskKind.CLIP, ClipTask)


@strawberry.type(description="Joins videos, and makes a new one of them.")
class SpliceTask(Task):
    kinds: ClassVar = None

    @relation(
        list[ClipSegment],
        of="id",
        description="The videos, each whole, in the order in which the new one shows them.",
        assumed=20,
    )
    @staticmethod
    def segments(ctx: Context) -> Rows:
        return clips.segments(ctx)


register(TaskKind.SPLICE, SpliceTask)


@strawberry.input(description="A piece of a video, of at least 5 seconds.")
class ClipSegmentInput:
    start_ms: int = strawberry.field(description="Where it begins, in milliseconds.")
    end_ms: int = strawberry.field(
        description="Where it ends, in milliseconds; not after the video does."
    )


@strawberry.input(description="A video to be cut out of another one.")
class CreateClipInput:
    video_id: strawberry.ID = strawberry.field(description="Id of the video to cut from.")
    title: str = strawberry.field(description="Title of the new one, 1 to 255 characters.")
    segments: list[ClipSegmentInput] = strawberry.field(
        description="1 to 5 pieces, in the order in which the new video shows them. They may"
        " overlap, and one may come before another that is earlier in the source."
    )
    description: str | None = strawberry.field(
        default=UNSET, description="Description of the new one, up to 5000 characters."
    )
    category_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of the category that the new one is to be kept in."
    )
    skip_auto_transcode: bool = strawberry.field(
        default=False, description="Whether nothing is to be transcoded by itself."
    )


@strawberry.input(description="A video to be joined from others.")
class CreateSpliceInput:
    video_ids: list[strawberry.ID] = strawberry.field(
        description="Ids of 2 to 20 videos, in the order in which the new one shows them. The same"
        " may come several times. Together they last at most 12 hours."
    )
    title: str = strawberry.field(description="Title of the new one, 1 to 255 characters.")
    description: str | None = strawberry.field(
        default=UNSET, description="Description of the new one, up to 5000 characters."
    )
    category_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of the category that the new one is to be kept in."
    )
    skip_auto_transcode: bool = strawberry.field(
        default=False, description="Whether nothing is to be transcoded by itself."
    )


@strawberry.type(description="The work on a clip, and the video that it makes.")
class ClipPayload(MutationPayload):
    task: ClipTask | None = strawberry.field(
        default=None, description="The work; null when there are errors."
    )
    video: Video | None = strawberry.field(
        default=None, description="The new video, PROCESSING; null when there are errors."
    )


@strawberry.type(description="The work on a splice, and the video that it makes.")
class SplicePayload(MutationPayload):
    task: SpliceTask | None = strawberry.field(
        default=None, description="The work; null when there are errors."
    )
    video: Video | None = strawberry.field(
        default=None, description="The new video, PROCESSING; null when there are errors."
    )


def _made(input: CreateClipInput | CreateSpliceInput) -> Made:
    return Made(
        title=input.title,
        description=input.description or None,
        category_id=key_of(input.category_id),
        skip_auto_transcode=input.skip_auto_transcode,
    )


@strawberry.type
class ClipMutation:
    @strawberry.mutation(
        description="Cut pieces out of a video, to the frame, and make a new one of them. The"
        " source stays as it is.",
        extensions=[ExpectedErrors(ClipPayload)],
    )
    async def create_clip(
        self,
        info: Info,
        input: Annotated[CreateClipInput, strawberry.argument(description="What is to be cut.")],
    ) -> ClipPayload:
        key = ids.decode(input.video_id, "Video", path=("videoId",))
        segments = [Segment(one.start_ms, one.end_ms) for one in input.segments]
        begun = await clips.create_clip(info.context, key, segments, _made(input))
        return ClipPayload(task=cast("ClipTask", begun.task), video=cast("Video", begun.video))

    @strawberry.mutation(
        description="Join videos, whole, one after another, and make a new one of them. It is as"
        " large as the first, with black beside pictures of another shape, and as fluent as the"
        " most fluent. The sources stay as they are.",
        extensions=[ExpectedErrors(SplicePayload)],
    )
    async def create_splice(
        self,
        info: Info,
        input: Annotated[
            CreateSpliceInput, strawberry.argument(description="What is to be joined.")
        ],
    ) -> SplicePayload:
        keys = [
            ids.decode(one, "Video", path=("videoIds", str(number)))
            for number, one in enumerate(input.video_ids)
        ]
        begun = await clips.create_splice(info.context, keys, _made(input))
        return SplicePayload(task=cast("SpliceTask", begun.task), video=cast("Video", begun.video))
