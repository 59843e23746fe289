"""A file that strangers have, the parts of it that they send, and how tests fetch it."""

from outbound import download
from outbound.client import Client
from outbound.download import Download, Limits
from outbound.spans import Resume
from tests.strangers.conftest import Stranger, answer

MIB = 1 << 20
FILM = bytes(range(256)) * 40
SIZE = len(FILM)
TAG = '"one"'
HALF = Resume(offset=5000, validator=TAG, size=SIZE)


async def fetched(
    client: Client,
    stranger: Stranger,
    *,
    limits: Limits | None = None,
    resume: Resume | None = None,
) -> tuple[Download, bytes]:
    """What is at the stranger's `/`."""
    limits = limits or Limits(size=MIB)
    async with download.opened(client, stranger.url(), limits=limits, resume=resume) as found:
        return found, b"".join([block async for block in found.blocks()])


def part(start: int, end: int, *, size: str = str(SIZE), body: bytes | None = None) -> bytes:
    """An honest answer to who asks for the bytes from `start` to before `end`, if all fits."""
    return answer(
        "206 Partial Content",
        FILM[start:end] if body is None else body,
        Content_Range=f"bytes {start}-{end - 1}/{size}",
        ETag=TAG,
    )
