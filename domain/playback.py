"""Rules of playback links, and of the files behind them."""

from typing import Final

MIN_TTL_SECONDS = 10
MAX_TTL_SECONDS = 24 * 3600
DEFAULT_TTL_SECONDS = 4 * 3600
"""Long enough to watch a long film with pauses."""

_TYPES: Final = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mp4": "video/mp4",
    "jpg": "image/jpeg",
    "vtt": "text/vtt; charset=utf-8",
}


def content_type(name: str) -> str:
    """Media type of a file that players are given."""
    return _TYPES[name.rpartition(".")[2]]
