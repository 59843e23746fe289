"""Which cover of its own a video shows. Statements only, no media code.

Workers give a video one, and the API takes it back.
"""

from datetime import timedelta
from uuid import UUID

from db.models import Video
from db.session import WriteSession
from domain.playback import MAX_TTL_SECONDS
from jobs import discards


async def show(
    session: WriteSession, video: Video, *, key: str | None, object_id: UUID | None
) -> bool:
    """Give a locked video this cover of its own, or none; whether that changed anything.

    The file of the former one goes when no video shows it and every link to it is over.
    """
    former = video.cover_key
    if former == key:
        return False
    video.cover_key, video.cover_object_id = key, object_id
    await session.flush()
    if former is not None and video.content_id is not None:
        links_end = timedelta(seconds=MAX_TTL_SECONDS)
        await discards.later(session, [video.content_id], [former], after=links_end)
    return True
