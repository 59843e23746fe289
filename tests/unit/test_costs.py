"""What operations cost, before they run: objects, times the lengths of lists."""

from pathlib import Path
from typing import Annotated, Any

import pytest
import strawberry
from graphql import GraphQLSchema, build_schema

from schema.execution.costs import LIST_SIZE, ListSize
from schema.execution.documents import MOST, Documents, Operation
from schema.execution.limits import Refused

OURS = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text())


def operation(query: str, schema: GraphQLSchema = OURS) -> Operation:
    return Documents(schema).prepare(query).operation(None)


def cost(query: str, schema: GraphQLSchema = OURS, **variables: Any) -> int:
    return operation(query, schema).cost(variables)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 0),
        ("{ __schema { types { fields { name } } } }", 0),
        ("{ viewer { id name } }", 1),
        ("{ a: viewer { id } b: viewer { id } }", 2),
        ("{ videos { totalCount } }", 1 + 5),
        ("{ videos { pageInfo { endCursor } } }", 1 + 1),
        ("{ videos { nodes { id } } }", 1 + 15),
        ("{ videos(first: 50) { nodes { id } } }", 1 + 50),
        ("{ videos(last: 50) { nodes { id } } }", 1 + 50),
        ("{ videos(first: 20, last: 50) { nodes { id } } }", 1 + 50),
        ("{ videos(first: 50, last: null) { nodes { id } } }", 1 + 50),
        ("{ videos(first: null) { nodes { id } } }", 1 + 15),
        ("{ videos(first: -5) { nodes { id } } }", 1),
        ("{ videos(first: 1000) { nodes { id } } }", 1 + 1000),
        ("{ videos(first: 5) { edges { cursor node { id } } nodes { id } } }", 1 + 5 * 2 + 5),
        ("{ videos(first: 5) { nodes { playSets { id } } } }", 1 + 5 * (1 + 10)),
        ("{ videos(first: 5) { ...A } } fragment A on VideoConnection { nodes { id } }", 1 + 5),
        ("{ nodes(ids: [1, 2, 3]) { id } }", 10),
        ('{ node(id: "1") { ... on Video { playback { hlsUrl } } ... on Task { id } } }', 2),
        ("{ task(id: 1) { ... on VerifyTask { video { id } } video { id } } }", 3),
        ("mutation { cancelTask(id: 1) { task { id } userErrors { code } } }", 10 + 1 + 10),
        ("subscription { playSets(videoId: 1) { id } }", 10),
    ],
)
def test_every_object_costs_1(query: str, expected: int) -> None:
    assert cost(query) == expected


@pytest.mark.parametrize(
    ("variables", "items"),
    [({}, 15), ({"f": None}, 15), ({"f": 0}, 0), ({"f": 7}, 7), ({"f": -7}, 0),
     ({"l": 9}, 9), ({"f": 7, "l": 9}, 9), ({"f": 1000}, 1000)],
)  # fmt: skip
def test_variables_say_how_long_a_page_is(variables: dict[str, Any], items: int) -> None:
    page = "videos(first: $f, last: $l) { nodes { id } pageInfo { endCursor } }"
    query = f"query ($f: Int, $l: Int) {{ {page} }}"
    assert cost(query, **variables) == 2 + items


def test_lists_in_lists_multiply() -> None:
    query = """query ($a: Int, $b: Int) {
      videos(first: $a) {
        nodes { tasks(first: $b) { nodes { ...T } totalCount } playSets { task { ...T } } }
      }
      tasks(first: 2) { nodes { ...T } }
    }
    fragment T on Task { video { tasks(last: $b) { edges { node { id } } } } }"""
    for a, b in ((0, 0), (1, 0), (3, 4), (100, 100)):
        task = 1 + 1 + b * 2
        video = 1 + (1 + b * (1 + task) + 5) + 10 * (1 + 1 + task)
        assert cost(query, a=a, b=b) == (1 + a * video) + (1 + 2 * (1 + task))


def test_the_pages_of_a_console_are_cheap_and_pages_in_pages_are_not() -> None:
    page = """query ($first: Int!, $inner: Int!) {
      videos(first: $first) {
        totalCount pageInfo { endCursor }
        nodes {
          title playback { hlsUrl } playSets { resolution task { id } }
          tasks(first: $inner) { nodes { id error { code } } }
        }
      }
    }"""
    found = operation(page)
    assert found.charge({"first": 50, "inner": 5}, limit=5_000) == 7 + 50 * (1 + 1 + 20 + 1 + 10)
    with pytest.raises(Refused) as refused:
        found.charge({"first": 100, "inner": 100}, limit=5_000)
    assert [error.formatted for error in refused.value.errors] == [
        {
            "message": "The operation costs 22307; the limit is 5000.",
            "locations": [{"line": 1, "column": 1}],
            "extensions": {"code": "QUERY_TOO_COMPLEX", "limit": 5_000, "actual": 22_307},
        }
    ]


@strawberry.type
class Item:
    tags: list["Tag"] = strawberry.field(metadata={LIST_SIZE: ListSize(assumed=2)})


@strawberry.type
class Tag:
    name: str


@strawberry.type
class Items:
    @strawberry.field(metadata={LIST_SIZE: ListSize(argument="ids")})
    def items(self, ids: list[strawberry.ID]) -> list[Item]:
        return [Item(tags=[]) for _ in ids]

    @strawberry.field(metadata={LIST_SIZE: ListSize(argument="count", assumed=4)})
    def some(self, count: int | None = None) -> list[Item]:
        return [Item(tags=[])] * (count or 0)

    @strawberry.field
    def newest(self, first: Annotated[int, strawberry.argument()] = 3) -> list[Item]:
        return [Item(tags=[])] * first


ITEMS = strawberry.Schema(Items)._schema


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("{ items(ids: [1, 2, 3]) { tags { name } } }", {}, 3 * (1 + 2)),
        ("{ items(ids: 1) { tags { name } } }", {}, 1 + 2),
        ("query ($a: ID!) { items(ids: [$a, $a]) { tags { name } } }", {"a": "1"}, 2 * (1 + 2)),
        ("query ($a: [ID!]!) { items(ids: $a) { tags { name } } }", {"a": ["1"] * 9}, 9 * (1 + 2)),
        ("{ some(count: 5) { tags { name } } }", {}, 5 * (1 + 2)),
        ("{ some { tags { name } } }", {}, 4 * (1 + 2)),
        ("query ($n: Int) { some(count: $n) { tags { name } } }", {"n": None}, 4 * (1 + 2)),
        ("{ newest { tags { name } } }", {}, 3 * (1 + 2)),
        ("{ newest(first: 6) { tags { name } } }", {}, 6 * (1 + 2)),
    ],
)
def test_a_field_can_say_how_long_its_list_is(
    query: str, variables: dict[str, Any], expected: int
) -> None:
    assert cost(query, ITEMS, **variables) == expected


def test_fragments_that_double_are_measured_once() -> None:
    """Following every spread would never end."""
    chain = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(30)]
    last = "fragment F30 on Query { videos(first: $n) { nodes { id } } }"
    found = operation(" ".join(["query ($n: Int) { ...F0 }", *chain, last]))
    assert (found.depth, found.cost({"n": 0})) == (2, 2**30)
    assert found.cost({"n": 1}) == MOST
