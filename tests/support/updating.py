"""Changing what is said of a video, as its owner does it."""

from typing import Any

from tests.support.api import Api

SHOWN = """
  id title description tags ownerPhone publishDomain updatedAt hasOwnCover
  category { id } player { id name aspectRatio autoPlay }
"""
UPDATE = f"""
mutation ($input: UpdateVideoInput!) {{
  updateVideo(input: $input) {{
    video {{ {SHOWN} }}
    coverTask {{ id status }}
    userErrors {{
      __typename code message path
      ... on LimitExceededError {{ limit actual }}
      ... on NotFoundError {{ ids }}
      ... on InvalidStateError {{ currentState allowedStates }}
    }}
  }}
}}
"""
VIDEO = f"query ($id: ID!) {{ video(by: {{id: $id}}) {{ {SHOWN} }} }}"


async def change(api: Api, id: str, **input: Any) -> dict[str, Any]:
    """The payload."""
    return (await api.run(UPDATE, input={"id": id, **input}))["updateVideo"]


async def changed(api: Api, id: str, **input: Any) -> dict[str, Any]:
    """The video after a change that nothing is wrong with."""
    payload = await change(api, id, **input)
    assert payload["userErrors"] == []
    return payload["video"]


async def shown(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(VIDEO, id=id))["video"]
