"""How videos are asked for: which one, which of them, and in which order."""

from typing import Final
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain import text
from domain.errors import InvalidArgument, LimitExceeded
from resolvers.videos import NO_ID, Wanted
from schema import ids
from schema.enums import OrderDirection, ShareState, SourceKind, VideoOrder, VideoStatus
from schema.ranges import DateTimeRange
from schema.scalars import Sha256

MAX_TAGS: Final = 100
"""Tags that a filter may name."""


@strawberry.input(description="Where a video comes from, as `createVideo` was told.")
class VideoSourceInput:
    source_type: str = strawberry.field(description="The system.")
    source_id: str = strawberry.field(description="Its id there.")


@strawberry.input(description="Names one video: give exactly one of these.", one_of=True)
class VideoBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="Its global id.")
    vid: strawberry.Maybe[str] = strawberry.field(description="Its short public id.")
    storage_id: strawberry.Maybe[str] = strawberry.field(
        description="The stored object that it is made of; of several videos, the newest."
    )
    source: strawberry.Maybe[VideoSourceInput] = strawberry.field(
        description="Where it comes from."
    )
    sha256: strawberry.Maybe[Sha256] = strawberry.field(
        description="Digest of its source file; of several videos, the newest."
    )


@strawberry.input(description="Which videos a list holds: those that fit every field given.")
class VideoFilter:
    search: str | None = strawberry.field(
        default=UNSET,
        description="What people look for, up to 255 characters. A video whose `vid`, `id` or"
        " `storageId` is exactly this comes first, whatever the order; then come those whose title"
        " contains it, as with `title`. An empty one is any.",
    )
    title: str | None = strawberry.field(
        default=UNSET,
        description="Only videos whose title contains this, up to 255 characters, without regard to"
        " case, full or half width, and how much space there is. An empty one is any.",
    )
    status: list[VideoStatus] | None = strawberry.field(
        default=UNSET,
        description="Only videos in these states; an empty list, and none, is any but DELETED.",
    )
    source_type: str | None = strawberry.field(
        default=UNSET, description="Only videos that come from this system."
    )
    source_kind: list[SourceKind] | None = strawberry.field(
        default=UNSET, description="Only videos that came to be so; an empty list is any."
    )
    owner_phone: str | None = strawberry.field(
        default=UNSET, description="Only videos that were uploaded for this phone number."
    )
    category_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Only videos in this category; of an unknown one there are none."
    )
    include_subcategories: bool | None = strawberry.field(
        default=UNSET,
        description="With `categoryId`: also videos in the categories that lie in it, at any"
        " depth. False when left out.",
    )
    share_state: list[ShareState] | None = strawberry.field(
        default=UNSET, description="Only videos that are shared so; an empty list is any."
    )
    created: DateTimeRange | None = strawberry.field(
        default=UNSET, description="Only videos that were made in this time."
    )
    tags: list[str] | None = strawberry.field(
        default=UNSET,
        description="Only videos that have all of these tags, up to 100; an empty list is any.",
    )


@strawberry.input(description="How a list of videos is sorted; equal ones by their ids.")
class VideoOrderInput:
    field: VideoOrder = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(description="Which end comes first.")


def wanted(filter: VideoFilter | None) -> Wanted:
    """The filter as resolvers want it. Raises `InvalidArgument` or `LimitExceeded`."""
    if not filter:
        return Wanted()
    created = filter.created or DateTimeRange()
    if created.from_ and created.to and created.from_ > created.to:
        raise InvalidArgument("created.from is after created.to.", path=["filter", "created"])
    search, category = _text("search", filter.search), _category(filter)
    return Wanted(
        search=search,
        search_id=ids.find(search.strip(), "Video") if search else None,
        title=_text("title", filter.title),
        statuses=filter.status or None,
        source_type=_text("sourceType", filter.source_type),
        source_kinds=filter.source_kind or None,
        owner_phone=_text("ownerPhone", filter.owner_phone),
        category_id=None if filter.include_subcategories else category,
        category_tree=[category] if category and filter.include_subcategories else None,
        share_states=filter.share_state or None,
        tags=_tags(filter.tags),
        created_from=created.from_ or None,
        created_before=created.to or None,
    )


def _text(name: str, value: str | None) -> str | None:
    """Raises `LimitExceeded` or `InvalidArgument` for what no row can hold."""
    return None if value is UNSET else text.optional(name, value, text.MAX_TITLE)


def _tags(tags: list[str] | None) -> list[str] | None:
    if tags and len(tags) > MAX_TAGS:
        raise LimitExceeded("The number of tags", limit=MAX_TAGS, actual=len(tags), path=["tags"])
    return [text.optional("tags", one, text.MAX_TITLE) or "" for one in tags] if tags else None


def _category(filter: VideoFilter) -> UUID | None:
    """The key that is asked for; of what is no category, one that there is not."""
    id = filter.category_id
    return None if id is None or id is UNSET else ids.find(id, "Category") or NO_ID
