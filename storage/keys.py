"""Every object key of the product is made here."""

from urllib.parse import quote, unquote
from uuid import UUID

SOURCES, MEDIA, EXPORTS = "sources/", "videos/", "exports/"
"""Under which prefixes there are objects."""
TAILS = "uploads/"
"""Where a store keeps bytes that are no whole part yet: `{key}/{token}/{part}`."""


def source(sha256: str | None, generation: UUID) -> str:
    """A file as it was sent, by its content as far as that is known beforehand.

    The generation keeps a re-upload apart from an earlier copy that is being collected. It is
    the id of what brought the bytes, so a job that runs twice arrives at the same key.
    """
    if sha256 is None:
        return f"{SOURCES}unhashed/{generation.hex[:2]}/{generation.hex}"
    return f"{SOURCES}{sha256[:2]}/{sha256[2:4]}/{sha256}.{generation.hex}"


def media(content_id: UUID) -> str:
    """Prefix of all that was made from one content, for whichever videos have it."""
    return f"{MEDIA}{content_id}/"


def task(content_id: UUID, task_id: UUID) -> str:
    """Prefix of what one task made."""
    return f"{media(content_id)}{task_id.hex}/"


def attempt(content_id: UUID, task_id: UUID, number: int) -> str:
    """Prefix of what one run of a task made; published only when that run wins."""
    return f"{task(content_id, task_id)}{number}/"


def track(playlist_key: str) -> list[str]:
    """The files of a track: its playlist, and the one that this names."""
    return [playlist_key, playlist_key.removesuffix(".m3u8") + ".mp4"]


def storyboard(vtt_key: str) -> list[str]:
    """The files of a storyboard: its WebVTT file, and the picture that this names."""
    return [vtt_key, vtt_key.removesuffix(".vtt") + ".jpg"]


def key_uri(key_id: UUID) -> str:
    """Where players find a key, as a playlist of an attempt names it."""
    return f"../../keys/{key_id.hex}"


def exports(task_id: UUID) -> str:
    """Prefix of what an export wrote."""
    return f"{EXPORTS}{task_id.hex}/"


def export(task_id: UUID, attempt: int) -> str:
    """The file of one run of an export; published only when that run wins."""
    return f"{exports(task_id)}{attempt}.csv"


def tails(key: str, token: str) -> str:
    """Prefix of the tails of one upload, whatever characters its store has in tokens."""
    return f"{TAILS}{key}/{quote(token, safe='')}/"


def token_of_tail(key: str) -> str:
    """The token of the upload whose bytes lie below `tails`."""
    return unquote(key.split("/")[-2])
