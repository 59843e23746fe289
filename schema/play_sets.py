"""Play sets: the renditions of a video."""

from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

import strawberry

from db import models
from db.rows import Rows
from domain import legacy
from domain.legacy import Clarity, DeviceClass
from resolvers import play_sets, tasks, templates, videos
from resolvers.context import Context
from schema import nodes
from schema.enums import Encryption, PlaySetStatus, Resolution
from schema.execution.fields import computed, inside, relation
from schema.info import Info
from schema.legacy import PlaySetLegacy, play_set_status
from schema.nodes import Node
from schema.scalars import Bytes
from schema.task_errors import TaskError
from schema.templates import TranscodeTemplate

if TYPE_CHECKING:
    from schema.tasks import TranscodeTask
    from schema.videos import Video


Work: TypeAlias = Annotated["TranscodeTask", strawberry.lazy("schema.tasks")] | None
Parent: TypeAlias = Annotated["Video", strawberry.lazy("schema.videos")] | None


@lru_cache(maxsize=1_000)
def _frames_per_second(fraction: str | None) -> float | None:
    return None if fraction is None else round(float(Fraction(fraction)), 3)


@strawberry.type(
    description="One rendition of a video. It becomes READY by itself. While one replaces"
    " another, the video has both, and the former one can be played."
)
class PlaySet(Node):
    model: ClassVar = models.PlaySet

    status: PlaySetStatus = strawberry.field(description="How far it is.")
    resolution: Resolution = strawberry.field(description="Which rung of the ladder it is.")
    clarity: Clarity = computed(
        legacy.clarity, "resolution", description="How sharp it is, by a scale of five steps."
    )
    device_class: DeviceClass = computed(
        legacy.device_class, "resolution", description="What it is meant for."
    )
    encryption: Encryption = strawberry.field(
        description="Whether its files are, or will be, encrypted."
    )
    progress: float = strawberry.field(
        description="How much of it is made, 0.0 to 1.0; 1.0 when READY."
    )
    width: int | None = strawberry.field(description="Pixels; null until READY.")
    height: int | None = strawberry.field(description="Pixels; null until READY.")
    frame_rate: float | None = computed(
        _frames_per_second, "frame_rate", description="Frames per second; null until READY."
    )
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
    error: TaskError | None = inside(
        "error_code", description="Why it failed; null in every other state."
    )

    @strawberry.field(
        description="Jobs that go before the task that makes it, as `Task.queuePosition` has it;"
        " null unless that waits for a worker."
    )
    @staticmethod
    async def queue_position(root: strawberry.Parent[models.PlaySet], info: Info) -> int | None:
        return await play_sets.queue_position(info.context, root)

    @strawberry.field(
        description="When it will probably be READY; null when it is over, when nobody works, or"
        " when nobody can tell."
    )
    @staticmethod
    async def estimated_ready_at(
        root: strawberry.Parent[models.PlaySet], info: Info
    ) -> datetime | None:
        return await play_sets.ready_at(info.context, root)

    legacy_status: int = computed(
        play_set_status,
        "status",
        description="`status` as older systems number it: 0 INITIAL, 1 READY, 2 TRANSCODING,"
        " 3 TRANSCODED, 4 TRANSCODE_FAILED, 5 UPLOADING, 6 UPLOAD_FAILED, 7 DELETED.",
    )
    legacy: PlaySetLegacy = inside(
        "id", description="The rest of it in the terms of older systems."
    )
    created_at: datetime = strawberry.field(description="When it was planned.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @relation(
        TranscodeTemplate | None,
        of="template_id",
        description="The template that it is made with, in the form that it had then.",
    )
    @staticmethod
    def template(ctx: Context) -> Rows:
        return templates.of_play_set(ctx)

    @relation(
        Work,
        of="task_id",
        description="The work that makes it; one task makes several play sets.",
    )
    @staticmethod
    def task(ctx: Context) -> Rows:
        return tasks.own(ctx)

    @relation(
        Parent,
        of="video_id",
        description="The video that it is a rendition of.",
    )
    @staticmethod
    def video(ctx: Context) -> Rows:
        return videos.own(ctx)


nodes.register(PlaySet)
