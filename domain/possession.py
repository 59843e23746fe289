"""Showing that one has a file without sending it: HMAC over pieces that could not be foreseen.

Knowing a file's hash is not having the file. The server names random pieces of it and a nonce;
only who has the bytes can answer.
"""

import hmac
import random
from collections.abc import Sequence
from dataclasses import dataclass

PIECE = 64 * 1024
"""Bytes of one piece."""
NONCE_BYTES = 32
SECONDS = 60
"""How long a challenge may be answered."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody says to have: a digest in hexadecimal, and a size in bytes."""

    sha256: str
    size: int


def pieces(seed: bytes, size: int, count: int) -> list[range]:
    """The parts of a file of `size` bytes that are asked for: all of it when it is small.

    The same seed gives the same pieces, so nothing needs to be kept until the answer comes.
    They are drawn from equal stretches of the file, so that no large hole goes unseen.
    """
    if size <= count * PIECE:
        return [range(size)]
    draw = random.Random(seed)  # noqa: S311  (the seed is a MAC that nobody outside can make)
    stretch = size / count
    starts = (
        int(number * stretch) + draw.randrange(max(1, int(stretch) - PIECE + 1))
        for number in range(count)
    )
    return [range(start, min(start + PIECE, size)) for start in starts]


def proof(nonce: bytes, contents: Sequence[bytes]) -> str:
    """HMAC-SHA256 in hexadecimal: the key is the nonce, the message all pieces in order."""
    mac = hmac.new(nonce, digestmod="sha256")
    for content in contents:
        mac.update(content)
    return mac.hexdigest()
