"""Videos go to the recycle bin, come back, or leave for good. Statements only.

All of a call is about videos of one account, locked by the caller, and as many statements for
500 videos as for one.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from db import events, garbage, objects, play_sets, tasks, trash, uploads, videos
from db.models import Task, UploadSession, Video
from db.session import WriteSession
from domain.errors import Cancelled, DomainError, DuplicateContent
from domain.events import EventType, NewEvent, topic
from domain.trash import REASON, restored
from domain.uploads import UploadStatus
from jobs import discards, fetches, outcomes, retries
from jobs.queue import Queue
from storage import keys


async def delete(session: WriteSession, deleted: Sequence[Video]) -> list[Task]:
    """Put videos into the bin, and end all that goes on with them and all that brings them.

    Returns the tasks that were ended, for the caller to stop their runs after the transaction.
    """
    ids, failure = [video.id for video in deleted], Cancelled(REASON)
    await trash.put(session, ids)
    ended = await tasks.cancel_of_videos(session, ids, failure)
    await play_sets.fail(session, [task.id for task in ended])
    await fetches.lose(session, ids, failure)
    closed = await uploads.close_of_videos(session, ids, failure)
    await _tell_of_ends(session, ended, closed)
    await events.tell(session, EventType.VIDEO_DELETED, deleted)
    return ended


async def _tell_of_ends(
    session: WriteSession, ended: Sequence[Task], closed: Sequence[UploadSession]
) -> None:
    topics = {name for task in ended for name in outcomes.topics(task)}
    topics |= {topic("tasks", task.account_id) for task in ended}
    topics |= {topic("upload", upload.id) for upload in closed}
    if topics:
        await events.wake(session, *topics)
    refused = [upload for upload in closed if upload.status is UploadStatus.FAILED]
    if refused:
        await events.record(session, *map(_upload_failed, refused))


def _upload_failed(upload: UploadSession) -> NewEvent:
    return NewEvent(EventType.UPLOAD_FAILED, upload.account_id, upload_session_id=upload.id)


async def conflicts(session: WriteSession, wanted: Sequence[Video]) -> Mapping[UUID, DomainError]:
    """Which of these cannot come back since another video comes from the same place.

    Of two that would come back at once, the first one does. The account's row is locked.
    """
    origins = {video.id: (video.source_type, video.source_id) for video in wanted}
    named = {id: (a, b) for id, (a, b) in origins.items() if a is not None and b is not None}
    if not named:
        return {}
    taken = await trash.of_origins(session, wanted[0].account_id, set(named.values()))
    found: dict[UUID, DomainError] = {}
    for id, origin in named.items():
        if origin in taken:
            found[id] = DuplicateContent(taken[origin])
        taken.setdefault(origin, id)
    return found


async def restore(session: WriteSession, queue: Queue, wanted: Sequence[Video]) -> None:
    """Take videos out of the bin. What their deletion has ended begins again, where it can."""
    ended = await trash.ended_with(session, [video.id for video in wanted])
    await trash.take(
        session,
        {
            video.id: restored(
                video.former_status or video.status,
                has_file=video.content_id is not None,
                is_made=any(task.kind in retries.MAKES_FILE for task in ended[video.id]),
            )
            for video in wanted
        },
    )
    found = await videos.lock_all(session, wanted[0].account_id, ended)  # as they are from here on
    await events.tell(session, EventType.VIDEO_RESTORED, wanted)
    everything = [task for some in ended.values() for task in some]
    await retries.all_again(session, queue, everything, found)


async def purge(session: WriteSession, gone: Sequence[Video]) -> None:
    """Remove videos for good, with what was made of them and the files that nobody else needs.

    The account's row is locked, and so are the videos that were cut out of these.
    """
    account_id, ids = gone[0].account_id, [video.id for video in gone]
    held = await trash.belongings(session, ids)
    await objects.lock_all(session, held.contents)  # before what is made of them: see `db.objects`
    await trash.remove(session, ids)
    await events.wake(session, *(topic("video", id) for id in ids))
    await discards.later(session, held.contents, [*held.playlists, *held.pictures])
    released = await objects.release(session, account_id, held.objects)
    await garbage.add(
        session,
        [key for content in released.contents for key in (content.key, keys.media(content.id))],
    )
