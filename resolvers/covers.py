"""Choosing the cover of a video. It is made by a worker; the last choice wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db import covers, objects, tasks
from db.models import StoredObject, Task, Video
from db.session import WriteSession
from domain import details
from domain.covers import Chosen, check_size
from domain.errors import Cancelled, InvalidState, NotFound
from domain.tasks import TaskKind, TaskStatus
from domain.text import is_storable
from domain.videos import VideoStatus
from jobs import outcomes, showing
from resolvers.context import Context

WITH_FILE = (VideoStatus.PROCESSING, VideoStatus.PUBLISHED, VideoStatus.BANNED)
"""States in which a video has a file, once that was checked."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What comes of a choice at once."""

    changed: bool
    """Whether the video shows another cover from now on."""
    task: Task | None
    """Makes the cover that is still to come."""
    ended: Sequence[Task]
    """What was to make another one; their runs are still to be stopped."""


async def choose(session: WriteSession, ctx: Context, video: Video, chosen: Chosen) -> Choice:
    """Have a locked video of the caller's show another cover, now or as soon as it is made."""
    object_id = await _object_of(session, video, chosen)
    ended = await _end_others(session, video)
    if chosen.is_automatic:
        changed = await showing.show(session, video, key=None, object_id=None)
        return Choice(changed, None, ended)
    task = Task(
        account_id=video.account_id,
        kind=TaskKind.COVER,
        status=TaskStatus.QUEUED,
        video_id=video.id,
        object_id=object_id,
        at_ms=chosen.at_ms,
    )
    await tasks.add(session, task)
    await ctx.services.queue.defer(session, task)
    await outcomes.wake_watchers(session, task)
    return Choice(changed=False, task=await tasks.fresh(session, task), ended=ended)


async def _object_of(session: WriteSession, video: Video, chosen: Chosen) -> UUID | None:
    """The stored picture that was chosen, if one was. Refuses what no cover can be made of."""
    if chosen.is_automatic:
        return None
    content = await objects.content(session, video.content_id) if video.content_id else None
    is_frame = chosen.at_ms is not None
    if content is None or (is_frame and (video.source is None or content.damaged_at is not None)):
        raise InvalidState(
            "The video, which has no file that was checked,",
            current=video.status.name,
            allowed=[one.name for one in WITH_FILE],
            path=["cover"],
        )
    if chosen.at_ms is not None:
        details.check_moment(chosen.at_ms, video.duration_ms or 0, path=["cover", "atMs"])
        return None
    stored = await _stored(session, video.account_id, chosen.storage_id or "")
    check_size(stored.file_size)
    return stored.id


async def _stored(session: WriteSession, account_id: UUID, storage_id: str) -> StoredObject:
    found = None
    if is_storable(storage_id):
        found = await objects.by_storage_id(session, account_id, storage_id)
    if found is None:
        raise NotFound("StoredObject", storage_id, path=["cover", "storageId"])
    return found


async def _end_others(session: WriteSession, video: Video) -> Sequence[Task]:
    failure = Cancelled("Another cover was chosen.")
    ids = await covers.unfinished(session, video.id)
    ended = await tasks.cancel(session, ids, failure)
    for one in ended:
        await outcomes.failed(session, one, failure)
    return ended
