"""Bytes in a file that no player minds, and that make it unlike every other."""

from pathlib import Path
from typing import Final

_HEADER: Final = 8
"""Bytes of a box's size and type."""


def mark(mp4: Path, value: bytes) -> None:
    """End an MP4 file with a box of free space that has the value (ISO/IEC 14496-12, 8.1.2)."""
    with mp4.open("ab") as file:
        file.write((_HEADER + len(value)).to_bytes(4) + b"free" + value)
