"""Making a video without sending a file: of a stored object, or a simulated one."""

from typing import Annotated, cast

import strawberry
from strawberry import UNSET

from domain.errors import InvalidArgument
from domain.simulation import Simulation
from resolvers import objects, simulations
from resolvers.objects import FromObject, Origin
from resolvers.simulations import Simulated
from schema.categories import key_of
from schema.errors import ExpectedErrors
from schema.info import Info
from schema.optional import given
from schema.simulations import SimulateInput
from schema.videos import Video, VideoPayload


@strawberry.input(
    description="A video to be made of a stored object, or to be simulated: give either"
    " `storageId` or `simulate`."
)
class CreateVideoInput:
    storage_id: str | None = strawberry.field(
        default=UNSET, description="`storageId` of the object."
    )
    simulate: SimulateInput | None = strawberry.field(
        default=UNSET, description="The test picture that it shows."
    )
    source_type: str | None = strawberry.field(
        default=UNSET,
        description="The system that the video comes from, up to 64 characters. It goes with"
        " `sourceId`, and only `simulate` can do without both.",
    )
    source_id: str | None = strawberry.field(
        default=UNSET,
        description="Its id in that system, up to 255 characters. One makes one video.",
    )
    title: str | None = strawberry.field(
        default=UNSET,
        description="Title; without it, the object's file name, or Simulation.",
    )
    category_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of the category that the video is to be kept in."
    )
    owner_phone: str | None = strawberry.field(
        default=UNSET,
        description="Phone number of whoever the video is uploaded for, up to 32 characters.",
    )
    skip_auto_transcode: bool = strawberry.field(
        default=False, description="Whether nothing is to be transcoded by itself."
    )


@strawberry.type
class CreationMutation:
    @strawberry.mutation(
        description="Make a video of an object that is stored already, or simulate one.",
        extensions=[ExpectedErrors(VideoPayload)],
    )
    async def create_video(
        self,
        info: Info,
        input: Annotated[CreateVideoInput, strawberry.argument(description="Of what.")],
    ) -> VideoPayload:
        _ = info.context.account_id  # first: a caller without a key is told nothing else
        storage_id = given(input.storage_id)
        simulate = input.simulate or None
        if simulate is not None and storage_id is None:
            row = await simulations.create_video(info.context, _simulated(input, simulate))
        elif storage_id is not None and simulate is None:
            row = await objects.create_video(info.context, _from_object(input, storage_id))
        else:
            raise InvalidArgument("Give either storageId or simulate.", path=["storageId"])
        return VideoPayload(video=cast("Video", row))


def _from_object(input: CreateVideoInput, storage_id: str) -> FromObject:
    return FromObject(
        storage_id=storage_id,
        origin=Origin.of(input.source_type or None, input.source_id or None),
        title=input.title or None,
        category_id=key_of(input.category_id),
        owner_phone=input.owner_phone or None,
        skip_auto_transcode=input.skip_auto_transcode,
    )


def _simulated(input: CreateVideoInput, wanted: SimulateInput) -> Simulated:
    source_type, source_id = input.source_type or None, input.source_id or None
    named = source_type is not None or source_id is not None
    return Simulated(
        simulation=Simulation.wanted(wanted.duration_ms, wanted.speed, wanted.fail_at or None),
        origin=Origin.of(source_type, source_id) if named else None,
        title=input.title or None,
        category_id=key_of(input.category_id),
        owner_phone=input.owner_phone or None,
        skip_auto_transcode=input.skip_auto_transcode,
    )
