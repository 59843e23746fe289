"""What lies in which category: moving a category, deleting one, moving videos."""

from typing import Annotated, cast
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.categories import CategoryInvalid, CategoryRequired
from resolvers import category_moves
from schema import batches, ids
from schema.batches import Policy, VideoBatchPayload
from schema.categories import Category, CategoryPayload
from schema.errors import ExpectedErrors
from schema.execution.costs import LIST_SIZE, ListSize
from schema.info import Info
from schema.objects import DeletePayload


def _named(id: str | None, *, path: str) -> UUID:
    """The key of a category that must be named. Raises more exact errors than `NotFound`."""
    if not id or id is UNSET:
        raise CategoryRequired(path=path)
    key = ids.find(id, "Category")
    if key is None:
        raise CategoryInvalid(path=path)
    return key


@strawberry.type(
    description="What became of the category, and of what was in it. `deletedIds` is empty as long"
    " as videos remain."
)
class DeleteCategoryPayload(DeletePayload):
    videos_to: Category | None = strawberry.field(
        default=None, description="Where its videos are now; null when there are errors."
    )
    moved_count: int = strawberry.field(
        default=0, description="How many videos went there, those in the recycle bin included."
    )
    remaining_count: int = strawberry.field(
        default=0,
        description="How many videos are still in it: when there are any, call again, until there"
        " are none and the category is gone.",
    )
    deleted_rule_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list[strawberry.ID],
        description="Ids of the rules that were about it: they went with it.",
    )


@strawberry.type
class CategoryMoveMutation:
    @strawberry.mutation(
        description="Put a category, with all that lies in it, into another one. Besides"
        " CATEGORY_REQUIRED, CATEGORY_INVALID and NOT_FOUND, it is refused as CATEGORY_IS_DEFAULT,"
        " CATEGORY_SAME (into itself), CATEGORY_IS_PARENT (to where it lies) and"
        " CATEGORY_IS_ANCESTOR (into one that lies in it).",
        extensions=[ExpectedErrors(CategoryPayload)],
    )
    async def move_category(
        self,
        info: Info,
        category_id: Annotated[
            strawberry.ID, strawberry.argument(description="Id of the category.")
        ],
        destination_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Id of the category that it is to lie in; null makes it an outermost"
                " one. It cannot be left out."
            ),
        ] = UNSET,
    ) -> CategoryPayload:
        _ = info.context.account_id  # first: without a key, nothing is said of any id
        key, destination = _named(category_id, path="categoryId"), destination_id
        parent_id = None if destination is None else _named(destination, path="destinationId")
        row = await category_moves.move(info.context, key, parent_id)
        return CategoryPayload(category=cast("Category", row))

    @strawberry.mutation(
        description="Delete a category. Its videos, and those of uploads and fetches that name it,"
        " go to another one; what lies in it goes to where it lies; rules that are about it are"
        " deleted. The default category stays: CATEGORY_IS_DEFAULT. One call moves at most 5000"
        " videos; the category goes with the last of them.",
        extensions=[ExpectedErrors(DeleteCategoryPayload)],
    )
    async def delete_category(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the category.")],
        videos_to: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Id of the category for its videos; without it, the default category."
            ),
        ] = UNSET,
    ) -> DeleteCategoryPayload:
        done = await category_moves.delete(
            info.context,
            ids.decode(id, "Category"),
            videos_to=ids.decode_optional(videos_to, "Category", path=("videosTo",)),
        )
        return DeleteCategoryPayload(
            deleted_ids=[] if done.remaining else [id],
            videos_to=cast("Category", done.videos_to),
            moved_count=done.moved,
            remaining_count=done.remaining,
            deleted_rule_ids=[
                strawberry.ID(ids.encode("AutoTranscodeRule", key)) for key in done.rule_ids
            ],
        )

    @strawberry.mutation(
        description="Put videos into a category. One that lies there is refused as CATEGORY_SAME,"
        " one in the recycle bin as INVALID_STATE.",
        metadata={LIST_SIZE: ListSize(argument="videoIds")},
        extensions=[ExpectedErrors(VideoBatchPayload)],
    )
    async def move_videos_to_category(
        self,
        info: Info,
        video_ids: batches.Ids,
        category_id: Annotated[
            strawberry.ID, strawberry.argument(description="Id of the category.")
        ],
        policy: Policy = batches.USUAL,
    ) -> VideoBatchPayload:
        outcomes = await category_moves.move_videos(
            info.context,
            video_ids,
            ids.decode(category_id, "Category", path=("categoryId",)),
            policy=policy,
        )
        return _placed(batches.payload(outcomes))


def _placed(payload: VideoBatchPayload) -> VideoBatchPayload:
    """The ids of the videos are not called `ids` here."""
    errors = [one.error for one in payload.results if one.error is not None]
    for error in (*errors, *payload.user_errors):
        error.path = ["videoIds" if part == "ids" else part for part in error.path]
    return payload
