"""Files that are sent in one request, and stored objects, as a client uses them."""

from typing import Any

from tests.support import forms, uploading
from tests.support.api import Api

SMALL = """
mutation ($input: UploadSmallVideoInput!) {
  uploadSmallVideo(input: $input) {
    video { id status title }
    userErrors { __typename code message path }
  }
}
"""
OBJECT = """
mutation ($input: UploadObjectInput!) {
  uploadObject(input: $input) {
    storedObject { id storageId fileName contentType fileSize sha256 }
    userErrors { __typename code message path }
  }
}
"""
CREATE = """
mutation ($input: CreateVideoInput!) {
  createVideo(input: $input) {
    video { id status title sourceType sourceId storageId fileSize width playSets { status } }
    userErrors {
      __typename code path
      ... on DuplicateContentError { existingVideo { id } }
      ... on NotFoundError { ids }
    }
  }
}
"""
DELETE = """
mutation ($ids: [ID!]!) {
  deleteObjects(ids: $ids) { deletedIds userErrors { code message path } }
}
"""


async def small(api: Api, data: bytes, **input: Any) -> dict[str, Any]:
    """The payload of a small video's upload."""
    values = {"title": "Small", "sha256": uploading.sha256(data), **input}
    return (await forms.run(api, SMALL, values, data))["uploadSmallVideo"]


async def stored(api: Api, data: bytes, name: str = "cover.jpg", **input: Any) -> dict[str, Any]:
    """The payload of an object's upload."""
    return (await forms.run(api, OBJECT, input, data, name=name))["uploadObject"]


async def create(api: Api, storage_id: str, **input: Any) -> dict[str, Any]:
    """The payload of a video that is made of a stored object."""
    values = {"storageId": storage_id, "sourceType": "cms", "sourceId": "1", **input}
    return (await api.run(CREATE, input=values))["createVideo"]


async def delete(api: Api, *ids: str) -> dict[str, Any]:
    """The payload of a deletion of stored objects."""
    return (await api.run(DELETE, ids=list(ids)))["deleteObjects"]
