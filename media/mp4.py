"""What an MP4's header says about its one track. Pure, but for finding it in a file.

Boxes are those of ISO/IEC 14496-12; `avcC` and `hvcC` are ISO/IEC 14496-15, `av1C` is AOM's
AV1 in ISO-BMFF, `esds` ISO/IEC 14496-1.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

SAMPLE_TABLE: Final = ("moov", "trak", "mdia", "minf", "stbl")
STSD_HEADER: Final = 8
VISUAL_ENTRY_HEADER: Final = 78
AUDIO_ENTRY_HEADER: Final = 28

ES_DESCRIPTOR: Final = 3
DECODER_CONFIG: Final = 4
DECODER_SPECIFIC: Final = 5
AAC: Final = 0x40
"""ObjectTypeIndication of MPEG-4 audio (ISO/IEC 14496-3)."""

CHANNELS: Final = (0, 1, 2, 3, 4, 5, 6, 8)
"""Channels by the channelConfiguration of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.3)."""


class NotUnderstood(ValueError):
    """The bytes are not the header of an MP4 with one track of a known codec."""


@dataclass(frozen=True, slots=True)
class Picture:
    codecs: str
    """RFC 6381, such as `avc1.64001e`, `hvc1.1.6.L93.90` or `av01.0.05M.08`."""
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Sound:
    codecs: str
    """RFC 6381, such as `mp4a.40.2`."""
    channels: int | None
    """None when the header leaves it to the stream."""


def read_header(header: bytes) -> Picture | Sound:
    """Read the first track's sample entry. Raises NotUnderstood."""
    try:
        entries = dict(_boxes(_find(header, (*SAMPLE_TABLE, "stsd"))[STSD_HEADER:]))
        for kind, (configuration, codecs) in PICTURES.items():
            if kind in entries:
                return _picture(entries[kind], configuration, codecs)
        if "mp4a" in entries:
            return _sound(entries["mp4a"])
    except (IndexError, KeyError, StopIteration) as error:
        raise NotUnderstood("The header is cut, or a box is missing in it.") from error
    raise NotUnderstood(f"The header is of {' '.join(entries) or 'nothing'}.")


def count_samples(header: bytes) -> int:
    """How many pictures the first track of a plain MP4 has. Raises NotUnderstood."""
    try:
        return _number(_find(header, (*SAMPLE_TABLE, "stsz"))[8:12])
    except StopIteration as error:
        raise NotUnderstood("The header is cut, or a box is missing in it.") from error


def find_header(file: BinaryIO) -> bytes:
    """Read the header of a plain MP4, wherever in the file it is. Raises NotUnderstood."""
    while start := file.read(8):
        size = _number(start[:4])
        if size == 1:
            size = _number(file.read(8)) - 8
        if size < len(start):
            raise NotUnderstood(f"A box has the size {size}.")
        if start[4:] == b"moov":
            return start + file.read(size - 8)
        file.seek(size - 8, os.SEEK_CUR)
    raise NotUnderstood("The file has no header.")


def _picture(entry: bytes, configuration: str, codecs: Callable[[bytes], str]) -> Picture:
    return Picture(
        codecs=codecs(dict(_boxes(entry[VISUAL_ENTRY_HEADER:]))[configuration]),
        width=_number(entry[24:26]),
        height=_number(entry[26:28]),
    )


def _avc(avcc: bytes) -> str:
    profile, constraints, level = avcc[1], avcc[2], avcc[3]
    return f"avc1.{profile:02x}{constraints:02x}{level:02x}"


def _hevc(hvcc: bytes) -> str:
    """ISO/IEC 14496-15, E.3: zero bytes at the end of the constraints are left out."""
    space, tier, profile = hvcc[1] >> 6, hvcc[1] >> 5 & 1, hvcc[1] & 0x1F
    compatible = int(f"{_number(hvcc[2:6]):032b}"[::-1], 2)  # in reverse order of bits
    constraints = "".join(f".{byte:X}" for byte in hvcc[6:12].rstrip(b"\0"))
    level = f"{'LH'[tier]}{hvcc[12]}"
    return f"hvc1.{('', 'A', 'B', 'C')[space]}{profile}.{compatible:X}.{level}{constraints}"


def _av1(av1c: bytes) -> str:
    """AV1 Codec ISO Media File Format Binding, 5: profile, level with tier, bits of a sample."""
    profile, level, flags = av1c[1] >> 5, av1c[1] & 0x1F, av1c[2]
    tier = "MH"[flags >> 7]
    depth = 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
    return f"av01.{profile}.{level:02}{tier}.{depth:02}"


PICTURES: Final = {"avc1": ("avcC", _avc), "hvc1": ("hvcC", _hevc), "av01": ("av1C", _av1)}
"""Each kind of picture, the box of its configuration, and what that says."""


def _sound(entry: bytes) -> Sound:
    esds = dict(_boxes(entry[AUDIO_ENTRY_HEADER:]))["esds"]
    config = _descriptor(_descriptor(esds[4:], ES_DESCRIPTOR)[3:], DECODER_CONFIG)
    if config[0] != AAC:
        raise NotUnderstood(f"The sound is of object type {config[0]:#x}, not AAC.")
    specific = _descriptor(config[13:], DECODER_SPECIFIC)
    bits = f"{_number(specific):0{8 * len(specific)}b}"
    object_type = int(bits[:5], 2)
    channels_at = 9 if bits[5:9] != "1111" else 33  # an unusual sampling rate is spelt out
    if len(bits) < channels_at + 4:
        raise NotUnderstood("The configuration of the sound is cut.")
    channels = int(bits[channels_at : channels_at + 4], 2)
    return Sound(codecs=f"mp4a.40.{object_type}", channels=CHANNELS[channels] or None)


def _find(data: bytes, path: tuple[str, ...]) -> bytes:
    for kind in path:
        # The first of a kind: a second track would be the last in a dict.
        data = next(content for found, content in _boxes(data) if found == kind)
    return data


def _boxes(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Kind and content of each box. A 64-bit size is never needed in a header."""
    at = 0
    while at < len(data):
        size = _number(data[at : at + 4])
        if not 8 <= size <= len(data) - at:  # noqa: PLR2004 - the size and the kind themselves
            raise NotUnderstood(f"A box at {at} has the size {size}.")
        yield data[at + 4 : at + 8].decode("latin-1"), data[at + 8 : at + size]
        at += size


def _descriptor(data: bytes, tag: int) -> bytes:
    """Content of the descriptor that `data` starts with; its size has 7 bits in each byte."""
    if data[0] != tag:
        raise NotUnderstood(f"Descriptor {data[0]} was found where {tag} was expected.")
    size, at = 0, 1
    while data[at] & 0x80:
        size, at = size << 7 | data[at] & 0x7F, at + 1
    size, at = size << 7 | data[at], at + 1
    return data[at : at + size]


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
