"""Uploading as a client does it, one step a function."""

import base64
import hashlib
from typing import Any

import httpx

from db import uploads
from resolvers.context import Services
from schema import ids
from tests.support.api import Api

CREATE = """
mutation ($input: CreateUploadSessionInput!) {
  createUploadSession(input: $input) {
    uploadSession { id status chunkSize totalChunks missingChunks receivedBytes progressPercent }
    userErrors { __typename code message path }
  }
}
"""
TARGETS = """
query ($id: ID!, $indexes: [Int!]!) {
  uploadSession(id: $id) {
    targets(indexes: $indexes) { chunkIndex method url headers { name value } expiresAt }
  }
}
"""
COMPLETE = """
mutation ($id: ID!, $sha256: SHA256!) {
  completeUploadSession(input: {id: $id, finalSha256: $sha256}) {
    uploadSession { id status task { id status } }
    userErrors {
      __typename code message path
      ... on ChunksMissingError { missingChunks }
      ... on ChecksumMismatchError { expected actual }
      ... on InvalidStateError { currentState allowedStates }
      ... on NotFoundError { ids }
    }
  }
}
"""
SESSION = """
query ($id: ID!) {
  uploadSession(id: $id) {
    status completedChunks receivedBytes progressPercent missingChunks
    error { code message } video { id vid status statusReason }
  }
}
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def begin(api: Api, data: bytes, *, title: str = "A video", **input: Any) -> dict[str, Any]:
    """Open a session for these bytes."""
    values = {"title": title, "sha256": sha256(data), "fileSize": len(data), **input}
    payload = (await api.run(CREATE, input=values))["createUploadSession"]
    assert payload["userErrors"] == []
    return payload["uploadSession"]


async def urls(api: Api, id: str, *indexes: int) -> list[str]:
    session = (await api.run(TARGETS, id=id, indexes=list(indexes)))["uploadSession"]
    return [target["url"] for target in session["targets"]]


async def put(api: Api, id: str, index: int, chunk: bytes, **headers: str) -> httpx.Response:
    (url,) = await urls(api, id, index)
    return await api.http.put(url, content=chunk, headers=headers)


def checksum(chunk: bytes) -> dict[str, str]:
    digest = hashlib.sha256(chunk).digest()
    return {"x-amz-checksum-sha256": base64.b64encode(digest).decode()}


async def complete(api: Api, id: str, sha256: str) -> dict[str, Any]:
    return (await api.run(COMPLETE, id=id, sha256=sha256))["completeUploadSession"]


async def session(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(SESSION, id=id))["uploadSession"]


async def token(services: Services, id: str) -> str:
    """The store's own name of an open session's upload."""
    async with services.db.read() as session:
        row = await uploads.by_id(session, ids.decode(id, "UploadSession"))
    assert row is not None
    return row.storage_token


async def is_held(services: Services, token: str) -> bool:
    """Whether the store still has the upload, apart from any object."""
    return token in {one.token async for one in services.store.uploads()}


async def send(api: Api, data: bytes, *, title: str = "A video") -> str:
    """Upload these bytes as a whole; returns the id of the session, which is VERIFYING."""
    begun = await begin(api, data, title=title)
    size = begun["chunkSize"]
    for index in range(1, begun["totalChunks"] + 1):
        chunk = data[(index - 1) * size : index * size]
        assert (await put(api, begun["id"], index, chunk)).status_code == 200
    payload = await complete(api, begun["id"], sha256(data))
    assert payload["userErrors"] == []
    return begun["id"]
