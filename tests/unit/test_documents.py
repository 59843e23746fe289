"""Prepared documents: what is refused and why, which operation is chosen, what is kept."""

import gc
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import OperationType, build_schema, parse
from graphql.execution import Executor

from schema.execution.bounded import Bounded
from schema.execution.documents import Documents, Operation
from schema.execution.limits import Limits, NoSuchOperation, Refused

OURS = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text())
VALID = "GRAPHQL_VALIDATION_FAILED"


def operation(query: str, name: str | None = None) -> Operation:
    return Documents(OURS).prepare(query).operation(name)


def refusal(query: str, limits: Limits | None = None) -> list[dict[str, Any]]:
    """The same on the second time, when it comes from the cache."""
    documents = Documents(OURS, limits=limits or Limits())
    found: list[Any] = []
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            documents.prepare(query)
        found.append([error.formatted for error in refused.value.errors])
    assert found[0] == found[1]
    return found[0]


# --- What is refused


def test_text_that_is_no_document_says_where() -> None:
    assert refusal("{\n  viewer {") == [
        {
            "message": "Syntax Error: Expected Name, found <EOF>.",
            "locations": [{"line": 2, "column": 11}],
            "extensions": {"code": "GRAPHQL_PARSE_FAILED"},
        }
    ]


def test_every_mistake_is_named() -> None:
    assert refusal("{ nothing viewer { nobody } }") == [
        {
            "message": f"Cannot query field '{name}' on type '{kind}'.",
            "locations": [{"line": 1, "column": column}],
            "extensions": {"code": VALID},
        }
        for name, kind, column in (("nothing", "Query", 3), ("nobody", "Account", 20))
    ]


def test_an_empty_text_is_no_request() -> None:
    message = "The request has no `query`."
    assert refusal("") == [{"message": message, "extensions": {"code": "BAD_USER_INPUT"}}]


def test_tokens_are_counted() -> None:
    limits = Limits(tokens=6)
    assert Documents(OURS, limits=limits).prepare("{viewer{id}}")
    (error,) = refusal("{viewer{id id}}", limits)
    assert "more than 6 tokens" in error["message"]
    assert error["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}


@pytest.mark.parametrize(
    ("query", "message", "limit", "actual"),
    [
        (" " * 99_989 + "{viewer{id}}", "The document has 100001 characters", 100_000, 100_001),
        ("\n" * 5_000 + "{viewer{id}}", "The document has 5001 lines", 5_000, 5_001),
        ("\n" + "\r\n" * 4_999 + "{viewer{id}}", "The document has 5001 lines", 5_000, 5_001),
        ("\r" * 5_000 + "{viewer{id}}", "The document has 5001 lines", 5_000, 5_001),
    ],
)
def test_a_large_text_is_not_even_read(query: str, message: str, limit: int, actual: int) -> None:
    assert Documents(OURS).prepare(query[1:])
    (error,) = refusal(query)
    assert error == {
        "message": f"{message}; the limit is {limit}.",
        "extensions": {"code": "QUERY_TOO_COMPLEX", "limit": limit, "actual": actual},
    }


def test_fields_that_take_long_to_compare_are_refused() -> None:
    aborted = [{"message": "Validation aborted.", "extensions": {"code": VALID}}]
    assert refusal("{ " + "viewer { id } " * 500 + "}") == aborted
    hundred = "{ " + "viewer { id } " * 100 + "}"
    assert operation(hundred).depth == 1
    assert refusal(hundred, Limits(comparisons=1_000)) == aborted


@pytest.mark.parametrize("opening", ["{ ... ", "{ __schema ", "{ nodes(ids: [[[["])
def test_deep_nesting_is_a_mistake_and_no_accident(opening: str) -> None:
    closing = {"{": "}", "[": "]"}
    for depth in (150, 300, 10_000):
        text = opening * depth
        ends = "".join(closing[one] for one in reversed(text) if one in closing)
        for error in refusal(f"{text} viewer {ends}"):
            assert error["extensions"]["code"] in {
                VALID,
                "GRAPHQL_PARSE_FAILED",
                "QUERY_TOO_COMPLEX",
            }


def test_a_full_stack_is_an_error_of_the_document() -> None:
    documents, nested = Documents(OURS), "{" + "...{" * 190 + "viewer{id}" + "}" * 191

    def below(frames: int) -> str:
        if frames:
            return below(frames - 1)
        try:
            return f"depth {documents.prepare(nested).operation(None).depth}"
        except Refused as refused:
            return refused.errors[0].message

    assert below(700) in {
        "Syntax Error: Document is nested too deeply. Parsing aborted.",
        "The document is nested too deeply.",
        "Validation aborted.",
    }


def test_a_maybe_that_is_null_and_two_of_one_are_mistakes() -> None:
    @strawberry.input(one_of=True)
    class By:
        id: strawberry.Maybe[str]
        name: strawberry.Maybe[str]

    @strawberry.type
    class Query:
        @strawberry.field
        def item(self, by: By, at: strawberry.Maybe[str]) -> str:
            return f"{by} {at}"

    documents = Documents(strawberry.Schema(Query)._schema)
    for query in ('{ item(by: {id: "1"}, at: null) }', '{ item(by: {id: "1", name: "a"}) }'):
        with pytest.raises(Refused) as refused:
            documents.prepare(query)
        codes = [(error.extensions or {}).get("code") for error in refused.value.errors]
        assert set(codes) == {VALID}
    assert documents.prepare('{ item(by: {id: "1"}) }')


# --- Which operation


def test_an_operation_is_chosen_by_its_name() -> None:
    query = "query A { viewer { id } } mutation B { cancelTask(id: 1) { userErrors { code } } }"
    prepared = Documents(OURS).prepare(query)
    assert prepared.operation("A").kind is OperationType.QUERY
    assert prepared.operation("B").kind is OperationType.MUTATION
    assert prepared.operation("B") is prepared.operation("B")
    for name, message in (
        (None, "The document has several operations: choose one with `operationName`."),
        ("C", "Unknown operation named 'C'."),
        ("", "Unknown operation named ''."),
    ):
        with pytest.raises(Refused) as refused:
            prepared.operation(name)
        assert isinstance(refused.value, NoSuchOperation) == (name is not None)
        assert [error.formatted for error in refused.value.errors] == [
            {"message": message, "extensions": {"code": "BAD_USER_INPUT"}}
        ]


def test_a_document_without_operations_has_none_to_choose() -> None:
    with pytest.raises(NoSuchOperation) as refused:
        Documents(OURS).prepare("fragment A on Query { nothing }").operation(None)
    assert [error.message for error in refused.value.errors] == ["Must provide an operation."]


def test_an_executor_can_be_made_without_looking_again() -> None:
    query = "{ ...A } fragment A on Query { viewer { ...B } } fragment B on Account { id }"
    prepared = Documents(OURS).prepare(query)
    built = Executor.build(OURS, prepared.document)
    assert isinstance(built, Executor)
    assert built.operation is prepared.operation(None).node
    assert built.fragments == prepared.fragments
    assert built.fragment_definitions == prepared.fragment_definitions
    assert list(prepared.fragments) == ["A", "B"]


# --- How deep, and how many aliases


def test_depth_is_fields_in_fields() -> None:
    assert operation("{ __typename }").depth == 0
    assert operation("{ viewer { ... { ... on Account { id } } } }").depth == 1
    assert operation("{ ...A } fragment A on Query { videos { nodes { id } } }").depth == 2
    assert operation("{ __schema { types { fields { name } } } }").depth == 0
    (error,) = refusal("{ videos { nodes { tasks { nodes { id } } } } }", Limits(depth=3))
    assert error == {
        "message": "The operation is 4 fields deep; the limit is 3.",
        "locations": [{"line": 1, "column": 1}],
        "extensions": {"code": VALID},
    }


def test_aliases_are_counted_wherever_a_fragment_puts_them() -> None:
    query = "{ a: viewer { ...A } b: viewer { ...A } } fragment A on Account { c: id d: id id }"
    assert operation(query).aliases == 6
    assert Documents(OURS, limits=Limits(aliases=6)).prepare(query)
    (error,) = refusal(query, Limits(aliases=5))
    assert error == {
        "message": "The operation has 6 aliases; the limit is 5.",
        "locations": [{"line": 1, "column": 1}],
        "extensions": {"code": "QUERY_TOO_COMPLEX", "limit": 5, "actual": 6},
    }


def test_the_limit_of_aliases_is_50_for_each_operation() -> None:
    fifty = " ".join(f"a{n}: __typename" for n in range(50))
    assert Documents(OURS).prepare(f"query A {{ {fifty} }} query B {{ {fifty} }}")
    (error,) = refusal(f"query A {{ {fifty} b: __typename }} query B {{ {fifty} }}")
    assert error["extensions"] == {"code": "QUERY_TOO_COMPLEX", "limit": 50, "actual": 51}


def test_aliases_that_double_are_counted_once() -> None:
    """Following every spread would never end."""
    chain = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(30)]
    last = "fragment F30 on Query { a: __typename }"
    (error,) = refusal(" ".join(["{ ...F0 }", *chain, last]))
    assert error["extensions"] == {"code": "QUERY_TOO_COMPLEX", "limit": 50, "actual": 2**30}


# --- Conditions


def test_conditions_are_found_everywhere_in_the_operation() -> None:
    found = operation(
        """
        query A($z: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $no: ID!) {
          viewer @skip(if: $z) { id @include(if: true) }
          ... @include(if: $b) { __typename }
          ...A @skip(if: $c)
          node(id: $no) { id }
        }
        fragment A on Query { __schema { queryType { name @skip(if: $d) @include(if: $b) } } }
        query B($e: Boolean!) { viewer @skip(if: $e) { id } }
        """,
        "A",
    )
    assert found.condition_variables == ("b", "c", "d", "z")
    values = {"b": True, "c": False, "d": True, "z": False, "no": "x"}
    assert found.conditions(values) == (True, False, True, False)
    assert operation("{ viewer { id } }").condition_variables == ()


# --- What is kept


def test_a_document_is_prepared_once() -> None:
    documents = Documents(OURS)
    assert documents.prepare("{ viewer { id } }") is documents.prepare("{ viewer { id } }")
    assert documents.prepare("{ viewer { id } }") is not documents.prepare("{viewer{id}}")
    assert len(documents) == 2


def test_new_documents_push_old_ones_out() -> None:
    documents = Documents(OURS, max_documents=100, max_bytes=400_000)
    often = documents.prepare("{ viewer { id } }")
    for number in range(10_000):
        query = f"query A{number} {{ viewer {{ id }} }}"
        if number % 2:
            documents.prepare(query)
        else:
            with pytest.raises(Refused):
                documents.prepare(query + "}")
        if number % 10 == 0:
            assert documents.prepare("{ viewer { id } }") is often
        assert len(documents) <= 100
        assert documents.bytes <= 400_000
    assert len(documents) > 30


def test_a_document_that_would_push_all_others_out_is_not_kept() -> None:
    documents = Documents(OURS, max_bytes=100_000)
    large = "{ viewer { " + "id " * 30 + "} }"
    assert documents.prepare(large).operation(None).cost({}) == 1
    assert (len(documents), documents.bytes) == (0, 0)
    documents.prepare("{ viewer { id } }")
    assert (len(documents), documents.bytes > 0) == (1, True)


def test_what_was_not_used_for_longest_goes_first() -> None:
    kept: Bounded[str, int] = Bounded(entries=3, bytes=10)
    for key in "abc":
        kept.put(key, ord(key), bytes=3)
    assert kept.get("a") == 97
    kept.put("d", 100, bytes=4)
    assert [kept.get(key) for key in "abcd"] == [97, None, 99, 100]
    kept.put("c", 1, bytes=2)
    assert (kept.get("c"), kept.bytes, len(kept)) == (1, 9, 3)
    kept.put("e", 5, bytes=11)
    assert (len(kept), kept.bytes) == (0, 0)


def traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize(
    "query",
    [
        "query A%d { videos(first: 5) { nodes { id title playSets { id status } } } }",
        "query A%d { nothing " + "viewer { id } " * 50 + "}",
    ],
)
def test_a_document_takes_no_more_memory_than_is_counted(query: str) -> None:
    documents = Documents(OURS)

    def send(number: int) -> None:
        with suppress(Refused):
            documents.prepare(query % number)

    send(0)
    tracemalloc.start()
    before, counted = traced(), documents.bytes
    for number in range(100, 200):
        send(number)
    taken, counted = traced() - before, documents.bytes - counted
    tracemalloc.stop()
    assert taken < counted
    assert len(documents) == 101


def test_the_document_is_as_it_was_sent() -> None:
    query = "{ viewer { id } }"
    assert Documents(OURS).prepare(query).document == parse(query)
