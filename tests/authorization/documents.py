"""The documents of the suite: a field with variables for its arguments, and all that it shows."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from schema.execution.limits import Refused
from schema.root import schema
from tests.authorization.selections import Selections
from tests.equivalence.arguments import is_required
from tests.equivalence.material import KINDS

CORE: Final = schema._schema
PUBLIC: Final = {
    "viewer": "says who is asking; nobody is null",
    "limits": "the installation's; with a key, the account's own quota",
    "sharedVideo": "what owners show to everybody; tests/api/test_shared_videos.py has its rules",
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
DEPTHS: Final = (2, 1)
"""Objects in objects: as deep as the cost of an operation allows."""
PAGE: Final = 3
LIMIT: Final = schema.documents.limits.cost


ROOTS: Final = frozenset({"Query", "Mutation", "Subscription"})


@cache
def document(parent: str, name: str) -> str:
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
    return deep(whole, field, page(field))


@cache
def document_of_node(name: str) -> str:
    """All of this type, by the variable `id`."""
    head = f"query ($id: ID!) {{ node(id: $id) {{ ... on {name}"
    return deep(lambda inside: f"{head} {inside} }} }}", type_of(name), {})


def page(field: GraphQLField, *, backwards: bool = False) -> dict[str, Any]:
    """The variable for the size of a page, if the field has pages."""
    return {"last" if backwards else "first": PAGE} if "first" in field.args else {}


def _has_default(slot: GraphQLArgument) -> bool:
    """Whether it is never null, and may be left out: then it is."""
    return isinstance(slot.type, GraphQLNonNull) and not is_required(slot)


def deep(
    document: Callable[[str], str],
    of: GraphQLField | GraphQLObjectType,
    variables: Mapping[str, Any],
) -> str:
    """The deepest of these documents whose cost allows it to be asked."""
    kind = of if isinstance(of, GraphQLObjectType) else get_named_type(of.type)
    if kind is CORE.type_map["Node"]:
        return document("{ __typename id }")  # there is a question for each of its types
    for depth in DEPTHS:
        found = document(SELECTIONS.of(kind, depth))
        try:
            schema.documents.prepare(found).operation(None).charge(variables, limit=LIMIT)
        except Refused:
            continue
        return found
    raise AssertionError(f"{kind} cannot be asked for")


def type_of(name: str) -> GraphQLObjectType:
    kind = CORE.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind
