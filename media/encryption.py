"""HLS AES-128 (RFC 8216, 4.3.2.4 and 5.2): whole segments of a track, each on its own.

The header of the file stays clear; so `EXT-X-KEY` has to follow `EXT-X-MAP` in the playlist.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from media.hls import MediaPlaylist, Segment

KEY_BYTES: Final = 16
BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """The key of all segments of some tracks. It is not shown, so that no log can have it."""

    value: bytes = field(repr=False)
    uri: str
    """As it stands in playlists, relative to them."""

    def __post_init__(self) -> None:
        if len(self.value) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(self.value)}")


def encrypt(file: Path, playlist: MediaPlaylist, key: SegmentKey) -> MediaPlaylist:
    """Encrypt a track's file where it is; returns its playlist as it is then.

    Nothing clear is left but the header, and if this fails, nothing of the file at all. It
    blocks, and takes as much of the disk again as the file; in memory it has one block.
    """
    encrypted = file.with_name(f"{file.name}.encrypted")
    try:
        with file.open("rb") as source, encrypted.open("wb") as target:
            target.write(source.read(playlist.header_size))
            segments = tuple(
                _encrypt_segment(source, target, one, cipher=_cipher(key, number))
                for number, one in enumerate(playlist.segments)
            )
        encrypted.replace(file)
    except BaseException:
        encrypted.unlink(missing_ok=True)
        file.unlink(missing_ok=True)
        raise
    return replace(playlist, segments=segments, key_uri=key.uri)


def _cipher(key: SegmentKey, number: int) -> Cipher[modes.CBC]:
    """Without an IV in the playlist, it is the media sequence number, in 16 bytes."""
    return Cipher(algorithms.AES(key.value), modes.CBC(number.to_bytes(KEY_BYTES)))


def _encrypt_segment(
    source: BinaryIO, target: BinaryIO, segment: Segment, *, cipher: Cipher[modes.CBC]
) -> Segment:
    source.seek(segment.offset)
    start = target.tell()
    padder, encryptor = PKCS7(8 * KEY_BYTES).padder(), cipher.encryptor()
    blocks = _blocks(source, segment.size)
    target.writelines(encryptor.update(padder.update(block)) for block in blocks)
    target.write(encryptor.update(padder.finalize()) + encryptor.finalize())
    return replace(segment, offset=start, size=target.tell() - start)


def _blocks(source: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        block = source.read(min(size, BLOCK_BYTES))
        if not block:
            raise EOFError(f"the file ends {size} bytes before its last segment does")
        yield block
        size -= len(block)
