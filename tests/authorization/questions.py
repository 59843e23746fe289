"""The queries of the suite: each field of `Query`, with what only the owner knows in each place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLField, GraphQLInterfaceType

from tests.authorization import known
from tests.authorization.asking import Asked
from tests.authorization.documents import (
    CORE,
    PUBLIC,
    SHALLOW,
    batches,
    depth_of,
    document,
    document_of_nodes,
    page,
    type_of,
)
from tests.authorization.places import Place, places
from tests.authorization.worlds import OWNER
from tests.equivalence.arguments import is_required

NEEDY: Final = frozenset({"videoSizes"})
"""Fields of `Query` that ask for arguments, though none is required by its type."""


@dataclass(frozen=True)
class Question:
    """A query, and all the variables that a caller sends with it."""

    name: str
    document: str
    variables: Callable[[str], list[dict[str, Any]]]
    """By the caller: what is the owner's in one place, and in others what is the caller's."""

    def __str__(self) -> str:
        return self.name

    def asked_by(self, caller: str) -> list[Asked]:
        return [Asked(self.document, variables) for variables in self.variables(caller)]


def questions() -> list[Question]:
    """What needs a key."""
    query = type_of("Query")
    plain = [_plain(name) for name in query.fields if name not in PUBLIC and _is_plain(name)]
    placed = [_placed(place) for place in places(query) if place.field not in PUBLIC]
    nodes = [_nodes(name) for name in types_of_nodes()]
    inner = [_inner(place) for name in types_of_nodes() for place in places(type_of(name))]
    return [*plain, *placed, *nodes, *inner]


def open_questions() -> list[Question]:
    """What needs none, and may tell who has one more."""
    return [_plain(name) for name in PUBLIC if _is_plain(name)]


def types_of_nodes() -> list[str]:
    node = CORE.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    return sorted(one.name for one in CORE.get_possible_types(node))


def _is_plain(name: str) -> bool:
    """Whether it can be asked without arguments."""
    arguments = type_of("Query").fields[name].args
    return name not in NEEDY and not any(map(is_required, arguments.values()))


def _plain(name: str) -> Question:
    field = type_of("Query").fields[name]
    return Question(name, document("Query", name), lambda _caller: _both_ends(field))


def _both_ends(field: GraphQLField) -> list[dict[str, Any]]:
    return [page(field), page(field, backwards=True)] if "first" in field.args else [{}]


def _placed(place: Place) -> Question:
    field = type_of("Query").fields[place.field]
    asked = document("Query", place.field, depth=depth_of(field))
    return Question(str(place), asked, lambda caller: _variables(caller, field, place))


def _nodes(name: str) -> Question:
    """All of one type by its id: the owner's, and the caller's own for all that they show."""

    def variables(caller: str) -> list[dict[str, Any]]:
        found = (*known.global_ids(OWNER)[name], *known.global_ids(caller)[name])
        return batches(name, list(dict.fromkeys(found)))

    return Question(f"nodes of {name}", document_of_nodes(name), variables)


def _inner(place: Place) -> Question:
    """A field of things of the caller's own, asked with what is the owner's."""
    field = type_of(place.parent).fields[place.field]

    def variables(caller: str) -> list[dict[str, Any]]:
        own = known.global_ids(caller)[place.parent][:3]
        return [{"node": id, **one} for id in own for one in _variables(caller, field, place)]

    asked = document(place.parent, place.field, depth=SHALLOW)
    return Question(str(place), asked, variables)


def _variables(caller: str, field: GraphQLField, place: Place) -> list[dict[str, Any]]:
    pages = page(field, backwards=place.path == ("before",))
    return [pages | given for given in known.arguments(caller, field.args, place)]
