"""What mutations take and return that change many videos at once."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeAlias, cast

import strawberry

from domain.batches import NoEligibleItem
from domain.errors import DomainError
from resolvers.batches import Outcome
from schema.enums import BatchPolicy
from schema.errors import MutationPayload, UserError, error_from
from schema.execution.costs import LIST_SIZE, ListSize
from schema.videos import Video

Ids: TypeAlias = Annotated[
    list[strawberry.ID], strawberry.argument(description="Ids of the videos; up to 500.")
]
Policy: TypeAlias = Annotated[
    BatchPolicy, strawberry.argument(description="What happens when some cannot be changed.")
]
USUAL: Final = BatchPolicy.APPLY_ELIGIBLE
BY_IDS: Final[dict[str, Any]] = {LIST_SIZE: ListSize(argument="ids")}
"""Metadata of a mutation with the argument `ids`: its payload has as many results."""


@strawberry.type(description="What became of one of the ids.")
class VideoBatchResult:
    video_id: strawberry.ID = strawberry.field(description="The id, as you sent it.")
    changed: bool = strawberry.field(description="Whether this call changed the video.")
    video: Video | None = strawberry.field(
        description="The video as it is now; null when you have none with this id."
    )
    error: UserError | None = strawberry.field(
        description="Why it cannot be changed. Null also when only others kept it from being"
        " changed: see ALL_OR_NOTHING."
    )


@strawberry.type(description="What became of the videos.")
class VideoBatchPayload(MutationPayload):
    results: list[VideoBatchResult] = strawberry.field(
        default_factory=list[VideoBatchResult],
        metadata={LIST_SIZE: ListSize(by_parent=True)},
        description="One for each id, in the order in which they were sent; an id that comes again"
        " has none of its own. Empty when there were too many ids.",
    )
    changed_count: int = strawberry.field(
        default=0, description="How many of the videos this call changed."
    )


def payload(outcomes: Sequence[Outcome]) -> VideoBatchPayload:
    """What the caller is told; if nothing was changed, also why."""
    failure = _failure(outcomes)
    return VideoBatchPayload(
        results=[
            VideoBatchResult(
                video_id=strawberry.ID(one.id),
                changed=one.changed,
                video=cast("Video | None", one.video),
                error=None if one.error is None else error_from(one.error),
            )
            for one in outcomes
        ],
        changed_count=sum(one.changed for one in outcomes),
        user_errors=[] if failure is None else [error_from(failure)],
    )


def _failure(outcomes: Sequence[Outcome]) -> DomainError | None:
    if any(one.changed for one in outcomes):
        return None
    errors = [one.error for one in outcomes if one.error is not None]
    return errors[0] if len(errors) < len(outcomes) else NoEligibleItem()
