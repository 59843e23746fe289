"""Fetching as a client does it."""

from typing import Any

from tests.support.api import Api

CREATE = """
mutation ($input: CreateFetchInput!) {
  createFetch(input: $input) {
    task { id status fileName totalCount successCount failCount }
    userErrors { __typename code message path ... on LimitExceededError { limit actual } }
  }
}
"""
FETCH = """
query ($id: ID!, $status: [TaskStatus!]) {
  task(id: $id) {
    __typename status progress error { code message } finishedAt
    ... on FetchTask {
      fileName totalCount successCount failCount
      items(first: 100, status: $status) {
        totalCount
        nodes {
          id position url title sourceId status failures bytesFetched fileSize progress finishedAt
          error { code message } video { id vid title status sha256 fileSize sourceType sourceId }
        }
      }
    }
  }
}
"""


async def create(api: Api, *urls: str, **input: Any) -> dict[str, Any]:
    """The payload of a fetch of these."""
    source = {"items": [{"url": url} for url in urls]}
    return (await api.run(CREATE, input={"source": source, **input}))["createFetch"]


async def begin(api: Api, *urls: str, **input: Any) -> str:
    """The id of a fetch of these."""
    payload = await create(api, *urls, **input)
    assert payload["userErrors"] == []
    return payload["task"]["id"]


async def begin_list(api: Api, items: list[dict[str, Any]], **input: Any) -> str:
    """The id of a fetch of these rows."""
    values = {"source": {"items": items}, **input}
    payload = (await api.run(CREATE, input=values))["createFetch"]
    assert payload["userErrors"] == []
    return payload["task"]["id"]


async def state(api: Api, id: str, status: list[str] | None = None) -> dict[str, Any]:
    return (await api.run(FETCH, id=id, status=status))["task"]


async def rows(api: Api, id: str) -> list[dict[str, Any]]:
    return (await state(api, id))["items"]["nodes"]
