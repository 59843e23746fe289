"""Asking before sending: what the server has of a file already, and showing that we have it."""

import base64
import hmac

from server.client.connection import Answer, Connection
from server.client.sources import Source

_CHECK = """
query CheckUpload($sha256: SHA256!, $size: Bytes!) {
  check: checkUpload(sha256: $sha256, fileSize: $size) {
    video { id }
    resumable { id }
    challenge { token nonce ranges { start end } }
  }
}
"""

_PROVE = """
mutation ProveUploadPossession($input: ProveUploadPossessionInput!) {
  payload: proveUploadPossession(input: $input) { video { id } }
}
"""


class Named(Answer):
    id: str


class Range(Answer):
    start: int
    end: int


class Challenge(Answer):
    token: str
    nonce: str
    ranges: list[Range]


class Check(Answer):
    """An own video of the same bytes, an own open session, and how to get another's bytes."""

    video: Named | None
    resumable: Named | None
    challenge: Challenge


class _Check(Answer):
    check: Check


class _Taken(Answer):
    video: Named | None


class _Proof(Answer):
    payload: _Taken


async def check(connection: Connection, sha256: str, size: int) -> Check:
    return (await connection.ask(_CHECK, {"sha256": sha256, "size": size}, _Check)).check


async def take_over(
    connection: Connection,
    source: Source,
    challenge: Challenge,
    *,
    title: str,
    description: str | None,
) -> str | None:
    """The id of a video made of bytes that the server has; None when they are to be sent.

    Raises `TemporaryFailure` at once. The video may be made all the same: `check` again then.
    """
    mac = hmac.new(base64.b64decode(challenge.nonce), digestmod="sha256")
    for one in challenge.ranges:
        async for block in source.blocks(one.start, one.end - one.start):
            mac.update(block)
    source.check_unchanged()
    answer = {
        "token": challenge.token,
        "proof": mac.hexdigest(),
        "title": title,
        "description": description,
    }
    video = (await connection.ask_once(_PROVE, {"input": answer}, _Proof)).payload.video
    return video.id if video else None
