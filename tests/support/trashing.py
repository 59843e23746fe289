"""The recycle bin as a client uses it."""

from typing import Any

from tests.support.api import Api

BATCH = """
mutation ($ids: [ID!]!, $policy: BatchPolicy) {
  change: NAME(ids: $ids, policy: $policy) {
    changedCount
    results {
      videoId changed
      video { id status statusReason deletedAt purgeAt }
      error {
        code path
        ... on InvalidStateError { currentState allowedStates }
        ... on DuplicateContentError { existingVideo { id } }
      }
    }
    userErrors { code path }
  }
}
"""


async def change(api: Api, name: str, *ids: str, policy: str = "APPLY_ELIGIBLE") -> dict[str, Any]:
    """The payload of a mutation of many videos."""
    document = BATCH.replace("NAME", name)
    return (await api.run(document, ids=ids, policy=policy))["change"]


async def delete(api: Api, *ids: str, **others: str) -> dict[str, Any]:
    return await change(api, "deleteVideos", *ids, **others)


async def restore(api: Api, *ids: str, **others: str) -> dict[str, Any]:
    return await change(api, "restoreVideos", *ids, **others)


async def purge(api: Api, *ids: str, **others: str) -> dict[str, Any]:
    return await change(api, "purgeVideos", *ids, **others)


def statuses(payload: dict[str, Any]) -> list[str | None]:
    """What each video is now; None for one that is not there."""
    return [one["video"] and one["video"]["status"] for one in payload["results"]]


def codes(payload: dict[str, Any]) -> list[str | None]:
    """What is wrong with each."""
    return [one["error"] and one["error"]["code"] for one in payload["results"]]
