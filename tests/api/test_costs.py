"""What a document may cost, and that new documents do not fill the memory."""

import gc
from typing import Any

import pytest

from schema.execution.plan import Related
from schema.root import schema
from tests.support.api import Api, OperationFailed

NESTED = "{ videos(first: 100) { nodes { tasks(first: 100) { nodes { id } } } } }"


async def cost(api: Api, query: str, **variables: Any) -> int:
    body = {"query": query, "variables": variables}
    answer = (await api.http.post("/graphql", json=body)).json()
    assert answer["extensions"]["cost"]["maximum"] == 5_000
    return answer["extensions"]["cost"]["requested"]


async def test_every_answer_says_what_it_cost(api: Api) -> None:
    assert await cost(api, "{ viewer { id name } }") == 1
    # The connection and its fifty nodes, each with some six play sets.
    listing = "query ($n: Int) { videos(first: $n) { nodes { id playSets { id } } } }"
    assert await cost(api, listing, n=50) == 1 + 50 * (1 + 6)
    assert await cost(api, listing, n=1) == 1 + 1 * (1 + 6)


async def test_a_batch_costs_as_much_as_it_has_ids(api: Api) -> None:
    results = "results { video { id } error { code } } userErrors { code }"
    delete = f"mutation ($ids: [ID!]!) {{ deleteVideos(ids: $ids) {{ {results} }} }}"
    assert await cost(api, delete, ids=["a"] * 500) == 10 + 500 * 3 + 3
    literal = f"""mutation {{ deleteVideos(ids: ["a", "b"]) {{ {results} }} }}"""
    assert await cost(api, literal) == 10 + 2 * 3 + 3
    ban = "mutation ($input: SetVideosBannedInput!) { setVideosBanned(input: $input) { RESULTS } }"
    ban = ban.replace("RESULTS", results)
    assert await cost(api, ban, input={"ids": ["a"] * 7, "banned": True}) == 10 + 7 * 3 + 3
    inner = "mutation ($n: [ID!]!) { setVideosBanned(input: {ids: $n, banned: true}) { RESULTS } }"
    assert await cost(api, inner.replace("RESULTS", results), n=["a"] * 9) == 10 + 9 * 3 + 3
    whole = """mutation { setVideosBanned(input: {ids: ["a", "b"], banned: true}) { RESULTS } }"""
    assert await cost(api, whole.replace("RESULTS", results)) == 10 + 2 * 3 + 3


async def test_what_costs_too_much_is_not_executed(api: Api) -> None:
    for accept, status in (("application/json", 200), ("application/graphql-response+json", 400)):
        headers = {"accept": accept}
        answer = await api.http.post("/graphql", json={"query": NESTED}, headers=headers)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, set(answer.json())) == (status, {"errors"})
        assert error["message"] == "The operation costs 10201; the limit is 5000."
        assert error["extensions"] == {
            "code": "QUERY_TOO_COMPLEX",
            "limit": 5_000,
            "actual": 10_201,
        }


async def test_more_than_50_aliases_are_refused(api: Api) -> None:
    aliases = " ".join(f"a{number}: viewer {{ id }}" for number in range(51))
    with pytest.raises(OperationFailed) as failure:
        await api.run(f"{{ {aliases} }}")
    (error,) = failure.value.errors
    assert error["message"] == "The operation has 51 aliases; the limit is 50."
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"


@pytest.mark.timeout(300)
async def test_new_documents_do_not_fill_the_memory(api: Api) -> None:
    """Large ones, each sent once: what is kept of them ends at a number of bytes."""
    documents, listings_each = 30, 16
    fields = " ".join(["id vid title status sha256 fileSize width height durationMs"] * 12)
    for number in range(documents):
        listings = " ".join(
            f"a{n}: videos(first: 1) {{ nodes {{ {fields} }} }}" for n in range(listings_each)
        )
        body = {"query": f"query Q{number} {{ {listings} }}"}
        answer = (await api.http.post("/graphql", json=body)).json()
        assert len(answer["data"]) == listings_each
    for kept in (schema.documents, schema.plans):
        assert 0 < kept.bytes <= 24 << 20
        assert len(kept) < documents
    gc.collect()
    alive = sum(isinstance(one, Related) for one in gc.get_objects())
    assert alive <= (len(schema.plans) + 1) * listings_each, "something else keeps plans"
