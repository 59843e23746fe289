"""Instant upload as a client does it."""

import base64
import hmac
from typing import Any

from tests.support.api import Api
from tests.support.uploading import sha256

CHECK = """
query ($sha256: SHA256!, $size: Bytes!) {
  checkUpload(sha256: $sha256, fileSize: $size) {
    video { id }
    resumable { id missingChunks }
    suggestedChunkSize
    challenge { token nonce expiresAt ranges { start end } }
  }
}
"""
PROVE = """
mutation ($input: ProveUploadPossessionInput!) {
  proveUploadPossession(input: $input) {
    video {
      id status title sha256 storageId width
      playSets { resolution status width codecs task { status } }
      playback { hlsUrl coverUrl }
    }
    userErrors { __typename code message path }
  }
}
"""


async def check(api: Api, data: bytes) -> dict[str, Any]:
    found = await api.run(CHECK, sha256=sha256(data), size=len(data))
    return found["checkUpload"]


def proof(challenge: dict[str, Any], data: bytes) -> str:
    pieces = b"".join(data[one["start"] : one["end"]] for one in challenge["ranges"])
    return hmac.digest(base64.b64decode(challenge["nonce"]), pieces, "sha256").hex()


async def answer(api: Api, challenge: dict[str, Any], proof: str, **input: Any) -> dict[str, Any]:
    values = {"token": challenge["token"], "proof": proof, "title": "Instant", **input}
    return (await api.run(PROVE, input=values))["proveUploadPossession"]


async def take_over(api: Api, data: bytes, **input: Any) -> dict[str, Any]:
    """Ask for a challenge and answer it with these bytes."""
    challenge = (await check(api, data))["challenge"]
    return await answer(api, challenge, proof(challenge, data), **input)
