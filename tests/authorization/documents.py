"""The documents of the suite: a field with variables for its arguments, and all that it shows."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from schema.root import schema
from tests.authorization.selections import Selections, is_part_of_page
from tests.equivalence.arguments import is_required
from tests.equivalence.material import KINDS

CORE: Final = schema._schema
PUBLIC: Final = {
    "viewer": "says who is asking; nobody is null",
    "limits": "the installation's; with a key, the account's own quota",
    "sharedVideo": "what owners show to everybody: see test_shared_videos.py",
    "errorCatalog": "documentation",
    "legacySuccessCodes": "documentation",
}
"""Fields of `Query` that need no key, and why."""

UNASKED: Final = {
    "UploadCheck.challenge": "random; tests/api/test_instant.py compares what can be compared",
    "QueueStats.oldestWaitSeconds": "the time now",
    **{
        f"{name}.{field}": "how long the queue is, whosever the work in it: documented so"
        for name in ("Task", "PlaySet", *KINDS.values())
        for field in ("queuePosition", "estimatedReadyAt")
    },
}
"""`Type.field` of what is not compared, and why."""

SELECTIONS: Final = Selections(CORE, UNASKED)
DEEP: Final = 2
"""Objects in objects; one level less where an operation would cost too much."""
SHALLOW: Final = 1
PAGE: Final = 3
LIMIT: Final = schema.documents.limits.cost
BATCH: Final = 100
"""Ids that `nodes` takes."""


ROOTS: Final = frozenset({"Query", "Mutation", "Subscription"})


@cache
def document(parent: str, name: str, *, depth: int = DEEP) -> str:
    """A field, with a variable for each argument that may be null or must be there.

    Of a type that is no root, it is the field of the node of the variable `node`.
    """
    field = type_of(parent).fields[name]
    slots = {key: one for key, one in field.args.items() if not _has_default(one)}
    declared = [f"${key}: {one.type}" for key, one in slots.items()]
    given = f"({', '.join(f'{key}: ${key}' for key in slots)})" if slots else ""

    def whole(inside: str) -> str:
        asked, root = f"{{ {name}{given} {inside} }}", parent.lower()
        if parent not in ROOTS:
            asked, root = f"{{ node(id: $node) {{ ... on {parent} {asked} }} }}", "query"
        head = f"{root} ({', '.join(declared)})" if declared else root
        return f"{head} {asked}"

    if parent not in ROOTS:
        declared.append("$node: ID!")
    return _deepest(whole, get_named_type(field.type), page(field), depth=depth)


@cache
def document_of_nodes(name: str) -> str:
    """All of things of this type, by the variable `ids`."""
    head = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {name}"
    return _deepest(
        lambda inside: f"{head} {inside} }} }}", type_of(name), {"ids": [""]}, depth=DEEP
    )


def batches(name: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The variables of `document_of_nodes`, for all of these things: as many as may be at once."""
    size = min(BATCH, LIMIT // _cost(document_of_nodes(name), {"ids": [""]}))
    return [{"ids": ids[start : start + size]} for start in range(0, len(ids), size)]


def page(field: GraphQLField, *, backwards: bool = False) -> dict[str, Any]:
    """The variable for the size of a page, if the field has pages."""
    return {"last" if backwards else "first": PAGE} if "first" in field.args else {}


def _has_default(slot: GraphQLArgument) -> bool:
    """Whether it is never null, and may be left out: then it is."""
    return isinstance(slot.type, GraphQLNonNull) and not is_required(slot)


def depth_of(field: GraphQLField) -> int:
    """How much to ask of a field: of things with ids little, as they are asked for by these."""
    return SHALLOW if _has_id(field) else DEEP


def _has_id(field: GraphQLField) -> bool:
    kind = get_named_type(field.type)
    if isinstance(kind, GraphQLObjectType) and is_part_of_page(kind, "nodes"):
        kind = get_named_type(kind.fields["nodes"].type)
    is_composite = isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    return is_composite and CORE.type_map["Node"] in kind.interfaces


def _deepest(
    document: Callable[[str], str],
    kind: GraphQLNamedType,
    variables: Mapping[str, Any],
    *,
    depth: int,
) -> str:
    """The deepest of these documents whose cost allows it to be asked."""
    if kind is CORE.type_map["Node"]:
        return document("{ __typename id }")  # there is a question for each of its types
    for less in range(depth):
        found = document(SELECTIONS.of(kind, depth - less))
        if _cost(found, variables) <= LIMIT:
            return found
    raise AssertionError(f"{kind} cannot be asked for")


def _cost(document: str, variables: Mapping[str, Any]) -> int:
    return schema.documents.prepare(document).operation(None).cost(variables)


def type_of(name: str) -> GraphQLObjectType:
    kind = CORE.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind
