"""The product's schema with fields that go wrong, at every depth and in every way.

The fields are declared on classes of their own and then put on the product's types in a second
schema, so that nothing that the product holds is changed. What a field is must not depend on
the type that it is put on.
"""

import asyncio
import zlib
from typing import Any, Final, cast
from uuid import UUID

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from strawberry.permission import BasePermission
from typing_extensions import override

from domain.errors import InvalidArgument
from domain.videos import Resolution
from schema import root
from schema.execution.engine import Schema
from schema.execution.fields import computed
from schema.info import Info
from schema.nodes import Node
from schema.tasks import KINDS
from schema.videos import VideoOrderInput


def unlucky(source: Any, one_in: int = 3) -> bool:
    """Whether a field of this object goes wrong: always the same objects, some in every list."""
    id = str(getattr(source, "id", ""))
    return zlib.crc32(id.encode()) % one_in == 0


class Allowed(BasePermission):
    message = "Not this one."
    error_extensions: dict[str, Any] | None = {"code": "FORBIDDEN"}  # noqa: RUF012

    @override
    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        return not unlucky(source)


class AllowedLater(Allowed):
    @override
    async def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        await asyncio.sleep(0)
        return not unlucky(source, 4)


@strawberry.type
class Part:
    """An object that is in no table."""

    value: int | None

    @strawberry.field
    def boom(self) -> str | None:
        return _boom(self.value == 1, "a part")

    @strawberry.field
    def boom_hard(self) -> str:
        return _boom(self.value == 1, "a part")


def _boom(goes_wrong: bool, what: str) -> str:  # noqa: FBT001
    if goes_wrong:
        raise RuntimeError(f"{what} went wrong")
    return "quiet"


def _parts(source: Any) -> list[Any]:
    return [Part(value=number) for number in range(3 if unlucky(source) else 1)]


def _computed(id: UUID) -> str:
    return _boom(id.int % 3 == 0, "a computed field")


def _computed_hard(id: UUID) -> str | None:
    return None if id.int % 7 == 0 else _boom(id.int % 7 == 1, "a computed field")


@strawberry.type
class NodeFaults:
    """Fields for types of rows."""

    @strawberry.field
    def boom(self) -> str | None:
        return _boom(unlucky(self), "a field")

    @strawberry.field
    def boom_hard(self) -> str:
        return _boom(unlucky(self, 5), "a field")

    @strawberry.field
    async def boom_later(self) -> str | None:
        await asyncio.sleep(0)
        return _boom(unlucky(self), "a coroutine")

    @strawberry.field
    def refused(self) -> int | None:
        if unlucky(self):
            raise InvalidArgument("This row does not like to be asked.")
        return 1

    @strawberry.field
    def null_hard(self) -> str:
        return cast("str", None) if unlucky(self, 5) else "there"

    @strawberry.field
    def number(self) -> int | None:
        return 2**40 if unlucky(self) else 2**31 - 1

    @strawberry.field(permission_classes=[Allowed])
    def guarded(self) -> str | None:
        return "seen"

    @strawberry.field(permission_classes=[AllowedLater])
    def guarded_hard(self) -> str:
        return "seen"

    @strawberry.field
    async def echo(
        self,
        info: Info,
        text: str | None = "as it is",
        numbers: list[int] | None = None,
        order: VideoOrderInput | None = strawberry.UNSET,
        rung: Resolution = Resolution.P360,
    ) -> str:
        """What arrived, and whether it arrived."""
        await asyncio.sleep(0)
        asked = "absent" if order is strawberry.UNSET else repr(order)
        return f"{info.path.key} {text!r} {numbers!r} {asked} {rung!r}"

    @strawberry.field
    def parts(self) -> list[Part | None]:
        return _parts(self)

    @strawberry.field
    async def parts_hard(self) -> list[Part]:
        return _parts(self)

    @strawberry.field
    def grid(self) -> list[list[int | None] | None]:
        return [[1, None], [2**40, 0], None, []] if unlucky(self, 4) else [[1, None], None]

    @strawberry.field
    async def itself(self) -> Node:
        """The row by an ordinary resolver: below it everything is as anywhere else."""
        return cast("Node", self)

    @strawberry.field
    def itself_often(self) -> list[Node | None]:
        return cast("list[Node | None]", [self, None, self])

    guessed: str | None = computed(_computed, "id", description="")
    guessed_hard: str = computed(_computed_hard, "id", description="")


HARMLESS: Final = {"echo", "itself", "itselfOften"}


@strawberry.type
class QueryFaults:
    @strawberry.field
    def boom(self, goes_wrong: bool = True) -> str | None:  # noqa: FBT001, FBT002
        return _boom(goes_wrong, "the root")

    @strawberry.field
    async def boom_hard(self, goes_wrong: bool = False) -> str:  # noqa: FBT001, FBT002
        return _boom(goes_wrong, "the root")

    @strawberry.field(permission_classes=[AllowedLater])
    def guarded(self) -> Part | None:
        return Part(value=1)

    @strawberry.field
    def parts(self) -> list[Part | None]:
        return [Part(value=0), None, Part(value=1)]


FAULTY: Final = (
    *("Video", "PlaySet", "UploadSession", "StoredObject"),
    *("Task", *KINDS.values()),
)
"""The types that are given the fields; whatever an interface has, its types have too."""


@strawberry.type(name="Query")
class FaultyQuery(root.Query, QueryFaults):
    faults: NodeFaults | None = None
    """Only so that the schema knows the type; it is taken out again."""


def with_faults() -> Schema:
    schema = root.build(FaultyQuery)
    core = schema._schema
    extra = _fields(core, "NodeFaults")
    for name in FAULTY:
        _fields(core, name).update(extra)
    del _fields(core, "Query")["faults"]
    return schema


def faults(schema: Schema) -> frozenset[str]:
    """The added fields that go wrong for some objects, as `Type.field`."""
    core, known = schema._schema, set(_fields(root.schema._schema, "Query"))
    found = {f"{kind}.{name}" for kind in FAULTY for name in _fields(core, "NodeFaults")}
    found |= {f"Query.{name}" for name in _fields(core, "Query") if name not in known}
    return frozenset(one for one in found if one.partition(".")[2] not in HARMLESS)


def _fields(core: GraphQLSchema, name: str) -> dict[str, Any]:
    kind = core.type_map[name]
    assert isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType))
    return kind.fields
