"""Plays: how far viewers got."""

from datetime import datetime
from typing import Annotated, ClassVar, cast

import strawberry
from strawberry import UNSET

from db import models
from domain.errors import InvalidArgument
from domain.plays import Report
from resolvers import plays
from schema import ids
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.fields import column
from schema.info import Info
from schema.optional import given


@strawberry.type(description="One viewing of a video.")
class Play:
    model: ClassVar = models.Play

    session_id: str = column("session", description="Your name of it.")
    watched_ms: int = strawberry.field(description="Milliseconds that were watched.")
    progress: float = strawberry.field(description="How far it got, 0.0 to 1.0.")
    started_at: datetime = strawberry.field(description="When it was first reported.")
    updated_at: datetime = strawberry.field(
        description="When a report last said something new of it."
    )


@strawberry.input(
    description="How far a viewing of a video has got. Give `videoId` with your key, or `token`."
)
class RecordPlayInput:
    session_id: str = strawberry.field(
        description="Your name of this viewing, 1 to 64 characters; another one for each."
    )
    watched_ms: int = strawberry.field(
        description="Milliseconds that were watched so far; at most 24 hours."
    )
    progress: float = strawberry.field(description="How far it got, 0.0 to 1.0.")
    video_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of a video of yours. It must be PUBLISHED."
    )
    viewer_id: str | None = strawberry.field(
        default=UNSET,
        description="Who watches, as your own system names them, up to 64 characters; not with"
        " `token`, which says it.",
    )
    token: str | None = strawberry.field(
        default=UNSET,
        description="The token of a playback link, in place of `videoId`: for players, which have"
        " no key. It must still hold.",
    )


@strawberry.type(description="The play as it is now.")
class PlayPayload(MutationPayload):
    play: Play | None = strawberry.field(
        default=None, description="The play; null when there are errors."
    )


@strawberry.type
class PlayMutation:
    @strawberry.mutation(
        description="Report how far a viewing has got. Reports of the same session are one play, of"
        " which the greatest values count: they may come twice, and in any order. Recommendations"
        " are made of plays whose viewer is known.",
        extensions=[ExpectedErrors(PlayPayload)],
    )
    async def record_play(
        self,
        info: Info,
        input: Annotated[RecordPlayInput, strawberry.argument(description="The report.")],
    ) -> PlayPayload:
        ctx = info.context
        if not input.token:
            _ = ctx.account_id  # first: a caller without a key is told nothing else
            key = ids.decode(input.video_id or "", "Video", path=("videoId",))
            row = await plays.record(ctx, key, _report(input))
        elif input.video_id or input.viewer_id:
            wrong = "videoId" if input.video_id else "viewerId"
            raise InvalidArgument(f"{wrong} is what the token says: leave it out.", path=[wrong])
        else:
            row = await plays.record_by_link(ctx, input.token, _report(input))
        return PlayPayload(play=cast("Play", row))


def _report(input: RecordPlayInput) -> Report:
    viewer = given(input.viewer_id)
    return Report.of(input.session_id, input.watched_ms, progress=input.progress, viewer_id=viewer)
