"""The video that a fetched file becomes: a new one, or that of an earlier failure.

One origin, as `sourceType` and `sourceId` name it, has one video of an account: a row whose origin
has one that did not fail is a duplicate. A row without an origin knows only its own earlier video.
"""

from db import accounts, events, fetches, uploads, videos
from db.models import FetchItem, Task, UploadSession, Video
from db.session import ReadSession, WriteSession
from domain.errors import DuplicateContent
from domain.events import topic
from domain.videos import SourceKind, VideoStatus
from jobs import plans
from jobs import uploads as stored
from jobs.plans import NewVideo
from jobs.runs import Overtaken, Run


async def refuse_known(session: ReadSession, task: Task, item: FetchItem) -> None:
    """Raises `DuplicateContent` when the row's origin has a video that did not fail."""
    _refuse_duplicate(await fetches.twin(session, task.account_id, item))


async def lock_twin(session: WriteSession, task: Task, item: FetchItem) -> Video | None:
    """The video of the row's origin; nobody makes one until the transaction ends.

    Before the task is locked.
    """
    await accounts.lock(session, task.account_id)
    return await fetches.twin(session, task.account_id, item, locked=True)


async def hand_over(
    session: WriteSession, run: Run, item: FetchItem, *, upload: UploadSession, twin: Video | None
) -> None:
    """All bytes are safe: the video begins its life, and its file is checked.

    `twin` is what `lock_twin` found. Raises `DuplicateContent` when that did not fail.
    """
    _refuse_duplicate(twin)
    current = await uploads.lock(session, upload.id)
    if current is None:
        raise Overtaken
    made = _take_place(session, twin, current) if twin else _add_video(session, item, current)
    video = await made
    await fetches.note(session, item.id, video_id=video.id)
    await stored.hand_over(session, run.tools.queue, current, video_id=video.id)
    await events.wake(session, topic("task", run.task.id))


def _refuse_duplicate(twin: Video | None) -> None:
    if twin is not None and not _is_empty(twin):
        raise DuplicateContent(twin.id)


def _is_empty(video: Video) -> bool:
    """Whether no file of it was ever accepted, so that the next one can take its place."""
    failed = video.status is VideoStatus.UPLOAD_FAILED
    return failed and video.content_id is None and video.source_kind is SourceKind.FETCH


async def _take_place(session: WriteSession, video: Video, upload: UploadSession) -> Video:
    """The video that failed becomes that of this file."""
    videos.entitle(video, upload.title)
    video.file_size = upload.file_size
    video.category_id = upload.category_id or video.category_id
    video.skip_auto_transcode = upload.skip_auto_transcode
    await session.flush()
    return video


async def _add_video(session: WriteSession, item: FetchItem, upload: UploadSession) -> Video:
    new = NewVideo(
        account_id=upload.account_id,
        title=upload.title,
        file_size=upload.file_size,
        source_kind=SourceKind.FETCH,
        source_type=item.source_type,
        source_id=item.source_id,
        category_id=upload.category_id,
        skip_auto_transcode=upload.skip_auto_transcode,
    )
    return await plans.promise(session, new)
