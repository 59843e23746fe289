"""Covers that owners choose for their videos."""

from typing import ClassVar

import strawberry

from db.rows import Rows
from domain.covers import Chosen
from domain.errors import InvalidArgument
from domain.tasks import TaskKind
from resolvers import objects
from resolvers.context import Context
from schema.execution.fields import relation
from schema.objects import StoredObject
from schema.tasks import Task, register


@strawberry.type(description="Makes the cover of a video, as a JPEG.")
class CoverTask(Task):
    kinds: ClassVar = None

    at_ms: int | None = strawberry.field(
        description="The moment of the video that it shows, in milliseconds; null when it is made"
        " of a stored object."
    )

    @relation(
        StoredObject | None,
        of="object_id",
        description="The picture that it is made of; null for a moment of the video, and once the"
        " object is deleted.",
    )
    @staticmethod
    def stored_object(ctx: Context) -> Rows:
        return objects.own(ctx)


register(TaskKind.COVER, CoverTask)


@strawberry.input(
    description="Which cover a video is to have: give exactly one of these.", one_of=True
)
class CoverInput:
    storage_id: strawberry.Maybe[str] = strawberry.field(
        description="`storageId` of a picture of yours: JPEG, PNG, WebP, GIF or BMP, up to 20 MiB"
        " and 16384 pixels on a side. A copy of it is made; the object itself may go afterwards."
    )
    at_ms: strawberry.Maybe[int] = strawberry.field(
        description="A moment of the video, in milliseconds: what is seen then."
    )
    automatic: strawberry.Maybe[bool] = strawberry.field(
        description="`true`: the picture that is chosen without you."
    )


def chosen(input: CoverInput | None) -> Chosen:
    """What the input wants; null is the automatic cover. Raises `InvalidArgument`."""
    if input is None:
        return Chosen()
    if input.storage_id is not None:
        return Chosen(storage_id=input.storage_id.value)
    if input.at_ms is not None:
        return Chosen(at_ms=input.at_ms.value)
    if input.automatic is None or not input.automatic.value:
        raise InvalidArgument("Choose another cover instead.", path=["cover", "automatic"])
    return Chosen()
