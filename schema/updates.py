"""What an owner changes of a video."""

from typing import Annotated, Any, cast

import strawberry

from resolvers import updates
from schema import ids
from schema.covers import CoverInput, CoverTask, chosen
from schema.enums import AspectRatio
from schema.errors import ExpectedErrors, MutationPayload
from schema.info import Info
from schema.videos import Video

DEFAULT_PLAYER: dict[str, Any] = {
    "player_id": None,
    "player_name": None,
    "aspect_ratio": AspectRatio.R16_9,
    "auto_play": False,
}


@strawberry.input(description="How players are to show a video. What is left out stays.")
class PlayerSettingsInput:
    id: strawberry.Maybe[str | None] = strawberry.field(
        description="Id of a player of yours, up to 64 characters; null for none."
    )
    name: strawberry.Maybe[str | None] = strawberry.field(
        description="Its name, up to 255 characters; null for none."
    )
    aspect_ratio: strawberry.Maybe[AspectRatio] = strawberry.field(description="Its shape.")
    auto_play: strawberry.Maybe[bool] = strawberry.field(description="Whether it begins by itself.")


@strawberry.input(
    description="What is to be another of a video: what is left out stays, null empties."
)
class UpdateVideoInput:
    id: strawberry.ID = strawberry.field(description="Id of the video.")
    title: strawberry.Maybe[str] = strawberry.field(description="Title, 1 to 255 characters.")
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="Description, up to 5000 characters."
    )
    tags: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All of its tags: at most 50, of 1 to 64 characters. Spaces around them go,"
        " and so does what is there twice."
    )
    category_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="Id of the category that it is to be kept in; null for the default one."
    )
    owner_phone: strawberry.Maybe[str | None] = strawberry.field(
        description="Phone number of whoever it was uploaded for, up to 32 characters."
    )
    player: strawberry.Maybe[PlayerSettingsInput | None] = strawberry.field(
        description="How players are to show it; null for what they do when nobody says anything."
    )
    publish_domain: strawberry.Maybe[str | None] = strawberry.field(
        description="Host name of the site that it is published on."
    )
    cover: strawberry.Maybe[CoverInput | None] = strawberry.field(
        description="Its cover; null for the automatic one."
    )


@strawberry.type(description="The video as it is now, and the work on its new cover.")
class UpdateVideoPayload(MutationPayload):
    video: Video | None = strawberry.field(
        default=None, description="The video; null when there are errors."
    )
    cover_task: CoverTask | None = strawberry.field(
        default=None,
        description="Makes the cover that was chosen, which the video has when this is SUCCEEDED;"
        " null when there is nothing to make.",
    )


@strawberry.type
class UpdateMutation:
    @strawberry.mutation(
        description="Change what is said of a video, how players show it, and its cover. Not"
        " while it is DELETED. An earlier choice of a cover that was not made yet is cancelled.",
        extensions=[ExpectedErrors(UpdateVideoPayload)],
    )
    async def update_video(
        self,
        info: Info,
        input: Annotated[UpdateVideoInput, strawberry.argument(description="The changes.")],
    ) -> UpdateVideoPayload:
        _ = info.context.account_id  # first: a caller without a key is told nothing else
        key = ids.decode(input.id, "Video")
        cover = chosen(input.cover.value) if input.cover is not None else None
        made = await updates.update(info.context, key, _given(input), cover=cover)
        return UpdateVideoPayload(
            video=cast("Video", made.video), cover_task=cast("CoverTask | None", made.cover_task)
        )


def _given(input: UpdateVideoInput) -> dict[str, Any]:
    """The columns that are to change, with what was sent for each."""
    given = {
        "title": input.title,
        "description": input.description,
        "tags": input.tags,
        "owner_phone": input.owner_phone,
        "publish_domain": input.publish_domain,
        "category_id": input.category_id,
    }
    found: dict[str, Any] = {name: one.value for name, one in given.items() if one is not None}
    if "tags" in found:
        found["tags"] = found["tags"] or []
    if "category_id" in found:
        path = ("categoryId",)
        found["category_id"] = ids.decode_optional(found["category_id"], "Category", path=path)
    return found | (_player(input.player.value) if input.player is not None else {})


def _player(wanted: PlayerSettingsInput | None) -> dict[str, Any]:
    if wanted is None:
        return DEFAULT_PLAYER
    given = {
        "player_id": wanted.id,
        "player_name": wanted.name,
        "aspect_ratio": wanted.aspect_ratio,
        "auto_play": wanted.auto_play,
    }
    return {name: one.value for name, one in given.items() if one is not None}
