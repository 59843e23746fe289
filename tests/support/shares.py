"""Sharing videos, and asking for them."""

from typing import Any

from db.models import Video
from schema import ids
from tests.support.api import Api

SET = """
mutation ($input: SetVideoShareInput!) {
  setVideoShare(input: $input) {
    video { share { state hasPassword password } }
    userErrors {
      __typename code message path
      ... on LimitExceededError { limit actual }
      ... on InvalidStateError { currentState }
    }
  }
}
"""
SHARED = """
query ($id: ID!, $password: String) {
  sharedVideo(id: $id, password: $password) {
    __typename
    ... on SharedVideo { vid title }
    ... on SharePasswordWrong { attemptsLeft }
    ... on ShareLocked { retryAt }
    ... on ShareNotAvailable { message }
    ... on SharePasswordRequired { message }
  }
}
"""


async def share(api: Api, video: Video, state: str, password: str | None = None) -> dict[str, Any]:
    """The video's share as it is then; there must be no error."""
    found = await change(api, video, state, password)
    assert found["userErrors"] == []
    return found["video"]["share"]


async def change(api: Api, video: Video, state: str, password: str | None) -> dict[str, Any]:
    """The payload."""
    given = {"id": ids.encode("Video", video.id), "state": state, "password": password}
    return (await api.run(SET, input=given))["setVideoShare"]


async def shared(api: Api, id: str, password: str | None = None) -> dict[str, Any]:
    return (await api.run(SHARED, id=id, password=password))["sharedVideo"]


async def outcome(api: Api, video: Video, password: str | None = None) -> str:
    """The name of the result's type."""
    return (await shared(api, video.vid, password))["__typename"]
