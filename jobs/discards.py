"""Files that rows referred to, and may do so no more. Statements only."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from db import garbage, inventory
from db.session import WriteSession
from storage import keys


async def later(
    session: WriteSession,
    content_ids: Collection[UUID],
    lost: Collection[str],
    *,
    after: timedelta = garbage.GRACE,
) -> None:
    """Have files removed that no video of these contents refers to any more.

    `lost` are playlists and pictures that rows no longer name. What lies in a folder that nothing
    refers to goes with them.
    """
    if not lost:
        return
    used = await inventory.outputs(session, content_ids)
    gone = [key for key in lost if key not in used]
    places = {_folder(key) for key in gone}
    empty = {place for place in places if not any(key.startswith(place) for key in used)}
    files = {file for key in gone if _folder(key) not in empty for file in _files(key)}
    await garbage.add(session, empty | files, after=after)


def _folder(key: str) -> str:
    """What the run stored that made it."""
    return key.rpartition("/")[0] + "/"


def _files(key: str) -> list[str]:
    if key.endswith(".m3u8"):
        return keys.track(key)
    return keys.storyboard(key) if key.endswith(".vtt") else [key]
