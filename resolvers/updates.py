"""What an owner changes of a video."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from db import accounts, events, videos
from db import categories as places
from db.models import Task, Video
from db.session import WriteSession
from domain import details, text
from domain.covers import Chosen
from domain.errors import NotFound
from domain.events import EventType
from domain.trash import check_live
from resolvers import categories, covers
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class Updated:
    """The video as it is now, and the work on the cover that is still to come."""

    video: Video
    cover_task: Task | None


def _description(value: str | None) -> str | None:
    return text.optional("description", value, text.MAX_DESCRIPTION) or None


def _as_it_is(value: Any) -> Any:  # noqa: ANN401  (an enum's member, a key)
    return value


CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "title": text.title,
    "description": _description,
    "tags": details.tags,
    "owner_phone": details.phone,
    "publish_domain": details.publish_domain,
    "category_id": _as_it_is,
    "player_id": details.player_id,
    "player_name": details.player_name,
    "aspect_ratio": _as_it_is,
    "auto_play": _as_it_is,
}
"""The columns that an owner may change, and what makes sure that a value can be stored."""


async def update(
    ctx: Context, id: UUID, given: Mapping[str, Any], *, cover: Chosen | None
) -> Updated:
    """Change these columns of a video, and its cover if one was chosen; all of it, or nothing."""
    account_id = ctx.account_id
    values: dict[str, Any] = {name: CHECKS[name](value) for name, value in given.items()}
    async with ctx.services.db.write() as session:
        if "category_id" in values or (cover and cover.storage_id is not None):
            await accounts.lock(session, account_id)  # a category and a picture stay meanwhile
        video = await own(session, account_id, id, path="id")
        if "category_id" in values:
            place = await categories.check(session, account_id, values["category_id"])
            values["category_id"] = await places.place(session, account_id, place)
        changed = await videos.revise(session, video, values)
        choice = await covers.choose(session, ctx, video, cover) if cover else None
        if changed or (choice and choice.changed):
            await record(session, video)
        await videos.fresh(session, video)
    for one in choice.ended if choice else ():
        await ctx.services.queue.stop(one)
    return Updated(video, choice and choice.task)


async def own(session: WriteSession, account_id: UUID, id: UUID, *, path: str) -> Video:
    """The account's video, locked; `path` says where the caller named it.

    Raises `NotFound`, and `InvalidState` for one in the recycle bin.
    """
    video = await videos.lock(session, id)
    if video is None or video.account_id != account_id:
        raise NotFound("Video", id, path=[path])
    if failure := check_live(video.status, path=[path]):
        raise failure
    return video


async def record(session: WriteSession, *changed: Video) -> None:
    """Tell of each of these videos, once, that something of it is another."""
    await events.tell(session, EventType.VIDEO_UPDATED, changed)
