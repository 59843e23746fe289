"""The schema: Query, Mutation and Subscription, put together."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Final
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext
from typing_extensions import override

from domain.errors import LimitExceeded
from resolvers import accounts
from schema import ids, nodes
from schema.accounts import AccountQuery
from schema.documents import DepthRule, Documents, OperationChosen
from schema.errors import ERROR_TYPES
from schema.failures import Failures
from schema.info import Info
from schema.limits import LimitsQuery
from schema.nodes import Node
from schema.scalars import SCALARS
from schema.subscriptions import Subscription
from schema.tasks import KINDS, TaskMutation, TaskQuery, TranscodeTask, VerifyTask
from schema.uploads import UploadMutation, UploadQuery
from schema.videos import VideoQuery

MAX_TOKENS: Final = 5_000
MAX_NODES: Final = 100
CACHED_DOCUMENTS: Final = 1_000


@strawberry.type(description="What can be asked. Everything is within your own account.")
class Query(VideoQuery, UploadQuery, TaskQuery, AccountQuery, LimitsQuery):
    @strawberry.field(description="Anything with a global id; null when it is not there for you.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")],
    ) -> Node | None:
        return await _node(info, id)

    @strawberry.field(description="Several things by their ids, in that order; null where absent.")
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


async def _node(info: Info, id: str) -> Node | None:
    load = info.context.load
    finders: dict[str, Callable[[UUID], Awaitable[object]]] = {
        "Account": partial(accounts.own, info.context),
        "Video": load.video.load,
        "PlaySet": load.play_set.load,
        "UploadSession": load.upload.load,
        **dict.fromkeys(KINDS.values(), load.task.load),
    }
    parts = ids.split(id)
    if parts is None or parts[0] not in finders:
        return None
    return nodes.of(await finders[parts[0]](parts[1]))


@strawberry.type(description="What can be done.")
class Mutation(UploadMutation, TaskMutation):
    pass


class Schema(strawberry.Schema):
    @override
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Strawberry would log every mistake of a client with a trace; `Failures` logs ours."""


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=(*ERROR_TYPES, VerifyTask, TranscodeTask),
    config=StrawberryConfig(scalar_map=SCALARS, sort_schema=True),
    extensions=[
        partial(Documents, maxsize=CACHED_DOCUMENTS),
        partial(ValidationCache, maxsize=CACHED_DOCUMENTS),
        partial(MaxTokensLimiter, max_token_count=MAX_TOKENS),
        partial(AddValidationRules, [DepthRule]),
        OperationChosen,
        Failures,
    ],
)
