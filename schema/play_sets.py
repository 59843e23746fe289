"""Play sets: the renditions of a video."""

from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from db import models
from schema import ids, nodes
from schema.enums import PlaySetStatus, Resolution
from schema.info import Info
from schema.nodes import Node
from schema.scalars import Bytes

if TYPE_CHECKING:
    from schema.tasks import TranscodeTask
    from schema.videos import Video


@strawberry.type(description="One rendition of a video. It becomes READY by itself.")
class PlaySet(Node):
    row: strawberry.Private[models.PlaySet]
    status: PlaySetStatus = strawberry.field(description="How far it is.")
    resolution: Resolution = strawberry.field(description="Which rung of the ladder it is.")
    width: int | None = strawberry.field(description="Pixels; null until READY.")
    height: int | None = strawberry.field(description="Pixels; null until READY.")
    frame_rate: float | None = strawberry.field(description="Frames per second; null until READY.")
    duration_ms: int | None = strawberry.field(description="Milliseconds; null until READY.")
    file_size: Bytes | None = strawberry.field(
        description="Bytes of the picture, without the sound that rungs share; null until READY."
    )
    bandwidth: int | None = strawberry.field(
        description="Peak bits per second of the picture; null until READY."
    )
    codecs: str | None = strawberry.field(
        description="Codec of the picture by RFC 6381, such as avc1.64001e; null until READY."
    )
    created_at: datetime = strawberry.field(description="When it was planned.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @strawberry.field(description="How much of it is made, 0.0 to 1.0; 1.0 when READY.")
    async def progress(self, info: Info) -> float:
        if self.row.status is PlaySetStatus.READY:
            return 1.0
        task = await info.context.load.task.load(self.row.task_id)
        return task.progress if task else 0.0

    @strawberry.field(description="The work that makes it; one task makes several play sets.")
    async def task(
        self, info: Info
    ) -> Annotated["TranscodeTask", strawberry.lazy("schema.tasks")] | None:
        return nodes.of(await info.context.load.task.load(self.row.task_id))

    @strawberry.field(description="The video that it is a rendition of.")
    async def video(
        self, info: Info
    ) -> Annotated["Video", strawberry.lazy("schema.videos")] | None:
        return nodes.of(await info.context.load.video.load(self.row.video_id))

    @classmethod
    def of(cls, row: models.PlaySet) -> Self:
        return cls(
            id=strawberry.ID(ids.encode("PlaySet", row.id)),
            row=row,
            status=row.status,
            resolution=row.resolution,
            width=row.width,
            height=row.height,
            frame_rate=None
            if row.frame_rate is None
            else round(float(Fraction(row.frame_rate)), 3),
            duration_ms=row.duration_ms,
            file_size=None if row.file_size is None else Bytes(row.file_size),
            bandwidth=row.bandwidth,
            codecs=row.codecs,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


nodes.of.register(models.PlaySet, PlaySet.of)
