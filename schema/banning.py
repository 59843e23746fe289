"""Banning videos."""

from typing import Annotated, Any, Final

import strawberry
from strawberry import UNSET

from resolvers import bans
from schema import batches
from schema.batches import USUAL, VideoBatchPayload
from schema.enums import BatchPolicy
from schema.errors import ExpectedErrors
from schema.execution.costs import LIST_SIZE, ListSize
from schema.info import Info

BY_INPUT: Final[dict[str, Any]] = {LIST_SIZE: ListSize(argument="input.ids")}


@strawberry.input(description="Videos to be banned, or to be unbanned.")
class SetVideosBannedInput:
    ids: list[strawberry.ID] = strawberry.field(description="Ids of the videos; up to 500.")
    banned: bool = strawberry.field(
        description="True bans those that are PUBLISHED, false unbans those that are BANNED."
    )
    reason: str | None = strawberry.field(
        default=UNSET,
        description="Why they are banned, up to 500 characters, for `Video.ban`; to unban them"
        " needs none.",
    )
    policy: BatchPolicy = strawberry.field(
        default=USUAL, description="What happens when some cannot be changed."
    )


@strawberry.type
class BanMutation:
    @strawberry.mutation(
        description="Ban videos, or unban them. A banned one cannot be played, and every link to it"
        " ends; work on it goes on. NOT_PUBLISHED, NOT_BANNED: it is in another state.",
        extensions=[ExpectedErrors(VideoBatchPayload)],
        metadata=BY_INPUT,
    )
    async def set_videos_banned(
        self,
        info: Info,
        input: Annotated[
            SetVideosBannedInput, strawberry.argument(description="Which ones, and why.")
        ],
    ) -> VideoBatchPayload:
        ctx = info.context
        if input.banned:
            changed = bans.ban(ctx, input.ids, reason=input.reason or None, policy=input.policy)
        else:
            changed = bans.unban(ctx, input.ids, policy=input.policy)
        return batches.payload(await changed)
