"""Categories as a client arranges them, and where videos lie."""

import uuid
from typing import Any

from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api
from tests.support.templating import category

DEFAULT = '{ category(by: {categoryId: "1"}) { id } }'
MOVE = """
mutation ($id: ID!, $to: ID) {
  moveCategory(categoryId: $id, destinationId: $to) {
    category { id parent { id } } userErrors { code path ... on LimitExceededError { limit } }
  }
}
"""
DELETE = """
mutation ($id: ID!, $to: ID) {
  deleteCategory(id: $id, videosTo: $to) {
    deletedIds videosTo { id parent { id } videoCount } movedCount remainingCount deletedRuleIds
    userErrors { code path }
  }
}
"""
PLACE = "query ($id: ID!) { video(by: {id: $id}) { updatedAt category { id } } }"
PARENT = "query ($by: CategoryBy!) { category(by: $by) { parent { id } } }"
UNKNOWN = ids.encode("Category", uuid.UUID(int=7))


async def chain(api: Api, length: int) -> list[str]:
    """Categories that lie in one another, the outermost first."""
    made: list[str] = []
    for number in range(length):
        place = {"parentId": made[-1]} if made else {}
        made.append((await category(api, str(number), **place))["id"])
    return made


async def default_id(api: Api) -> str:
    return (await api.run(DEFAULT))["category"]["id"]


async def move(api: Api, id: str, to: str | None) -> dict[str, Any]:
    return (await api.run(MOVE, id=id, to=to))["moveCategory"]


async def delete(api: Api, id: str, to: str | None = None) -> dict[str, Any]:
    return (await api.run(DELETE, id=id, to=to))["deleteCategory"]


async def place(api: Api, video_id: str) -> str:
    return (await api.run(PLACE, id=video_id))["video"]["category"]["id"]


async def parent(api: Api, id: str) -> str | None:
    found = (await api.run(PARENT, by={"id": id}))["category"]["parent"]
    return found and found["id"]


async def video_in(
    services: Services,
    owner: factories.Owner,
    category_id: str | None = None,
    status: VideoStatus = VideoStatus.PROCESSING,
) -> str:
    key = ids.decode_optional(category_id, "Category")
    row = await factories.video(services.db, owner.account, category_id=key, status=status)
    return ids.encode("Video", row.id)
