"""The schema: Query, Mutation and Subscription, put together."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final, cast

import strawberry
from strawberry.schema.config import StrawberryConfig

from db.rows import Rows
from domain.errors import LimitExceeded
from resolvers import (
    accounts,
    categories,
    fetches,
    key_points,
    objects,
    play_sets,
    tasks,
    templates,
    uploads,
    videos,
)
from resolvers.context import Context
from schema import ids
from schema.accounts import AccountQuery
from schema.banning import BanMutation
from schema.categories import CategoryMutation, CategoryQuery
from schema.category_moves import CategoryMoveMutation
from schema.clips import ClipMutation
from schema.creation import CreationMutation
from schema.error_catalog import ErrorCatalogQuery
from schema.errors import ERROR_TYPES
from schema.execution.costs import LIST_SIZE, ListSize
from schema.execution.engine import Schema
from schema.exports import ExportMutation
from schema.fetches import FetchMutation
from schema.files import FileMutation
from schema.info import Info
from schema.instant import InstantMutation, InstantQuery
from schema.key_points import KeyPointMutation
from schema.limits import LimitsQuery
from schema.nodes import Node
from schema.objects import ObjectMutation, ObjectQuery
from schema.plays import PlayMutation
from schema.protection import ProtectionMutation
from schema.queue_stats import QueueStatsQuery
from schema.scalars import SCALARS
from schema.shared_videos import SharedVideoQuery, ShareMutation
from schema.sizes import SizeQuery
from schema.subscriptions import Subscription
from schema.tasks import KINDS, TYPES, TaskMutation, TaskQuery
from schema.templates import TemplateMutation, TemplateQuery
from schema.transcode_plans import TranscodePlanQuery
from schema.transcodes import TranscodeMutation
from schema.trash import TrashMutation
from schema.updates import UpdateMutation
from schema.uploads import UploadMutation, UploadQuery
from schema.videos import VideoQuery

MAX_NODES: Final = 100


@strawberry.type(
    description="What can be asked. Everything is within your own account, but `sharedVideo`."
)
class Query(
    VideoQuery,
    SharedVideoQuery,
    UploadQuery,
    InstantQuery,
    ObjectQuery,
    TemplateQuery,
    TranscodePlanQuery,
    CategoryQuery,
    SizeQuery,
    TaskQuery,
    QueueStatsQuery,
    AccountQuery,
    LimitsQuery,
    ErrorCatalogQuery,
):
    @strawberry.field(description="Anything with a global id; null when it is not there for you.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")],
    ) -> Node | None:
        return await _node(info, id)

    @strawberry.field(
        description="Several things by their ids, in that order; null where absent.",
        metadata={LIST_SIZE: ListSize(argument="ids")},
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="Up to 100 global ids.")
        ],
    ) -> list[Node | None]:
        if len(ids) > MAX_NODES:
            raise LimitExceeded("The number of ids", limit=MAX_NODES, actual=len(ids))
        return await asyncio.gather(*(_node(info, id) for id in ids))


_FINDERS: Final[dict[str, Callable[[Context], Rows]]] = {
    "Account": accounts.own,
    "Video": videos.own,
    "PlaySet": play_sets.own,
    "UploadSession": uploads.own,
    "StoredObject": objects.own,
    "TranscodeTemplate": templates.visible,
    "AutoTranscodeRule": templates.own_rules,
    "Category": categories.own,
    "FetchItem": fetches.own_items,
    "KeyPoint": key_points.own,
    **dict.fromkeys(KINDS.values(), tasks.own),
}


async def _node(info: Info, id: str) -> Node | None:
    parts = ids.split(id)
    if parts is None or parts[0] not in _FINDERS:
        return None
    return cast(
        "Node | None", await info.context.load.row(_FINDERS[parts[0]](info.context), parts[1])
    )


@strawberry.type(description="What can be done.")
class Mutation(
    UploadMutation,
    FileMutation,
    InstantMutation,
    ObjectMutation,
    CreationMutation,
    TranscodeMutation,
    TemplateMutation,
    CategoryMutation,
    CategoryMoveMutation,
    ClipMutation,
    ShareMutation,
    TaskMutation,
    TrashMutation,
    BanMutation,
    FetchMutation,
    ExportMutation,
    UpdateMutation,
    KeyPointMutation,
    ProtectionMutation,
    PlayMutation,
):
    pass


def build(query: type[Any] = Query) -> Schema:
    """The schema; with another root of queries for what is tried out beside it."""
    return Schema(
        query=query,
        mutation=Mutation,
        subscription=Subscription,
        types=(*ERROR_TYPES, *TYPES),
        config=StrawberryConfig(scalar_map=SCALARS, sort_schema=True),
    )


schema = build()
