"""Pieces of videos become a file, and that becomes the file of a new video."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from db import clips, videos
from db.models import ClipSegment, Content, Video
from domain.clips import ClipInitFailed
from domain.media import Source
from jobs import adoption
from jobs.runs import Overtaken, Run
from media.cuts import Cut
from media.passes import Progress

CUTTING: Final = 0.9
"""The part of the task that is cutting; the rest is hashing and storing."""

Piece = tuple[ClipSegment, Video, Content | None]


async def cut(run: Run) -> None:
    """Make the file of the clip or the splice that this task is about, and give it its video."""

    async def report(progress: Progress) -> None:
        await run.report(CUTTING * progress.fraction, progress.speed)

    title, pieces = await _wanted(run)
    with run.tools.workspace.folder() as folder:
        async with _opened(run, pieces) as cuts:
            made = await run.tools.encoder.cut(cuts, folder / "cut.mp4", report)
        await adoption.adopt(run, made, name=_file_name(title), begun=CUTTING)


async def _wanted(run: Run) -> tuple[str, Sequence[Piece]]:
    """The new video's title, and the pieces that it is to show."""
    task = run.task
    if task.video_id is None:
        raise ValueError(f"the task {task.id} has no video")
    async with run.tools.db.read() as session:
        video = await videos.by_id(session, task.video_id)
        pieces = await clips.of_task(session, task.id)
    if video is None:
        raise Overtaken
    if len(pieces) != task.total_count:  # pieces go with their videos
        raise ClipInitFailed("A video of which something was to be shown is gone.")
    return video.title, pieces


@asynccontextmanager
async def _opened(run: Run, pieces: Sequence[Piece]) -> AsyncGenerator[list[Cut]]:
    """The pieces with the files of their videos, each file once."""
    async with AsyncExitStack() as stack:
        files: dict[str, Path] = {}
        cuts: list[Cut] = []
        for segment, video, content in pieces:
            if content is None or video.source is None:
                raise ClipInitFailed(f"The video {video.vid} has no file any more.")
            if content.key not in files:
                files[content.key] = await _open(run, stack, video, content)
            source = Source.from_json(video.source)
            cuts.append(Cut(files[content.key], source, segment.start_ms, segment.end_ms))
        yield cuts


async def _open(run: Run, stack: AsyncExitStack, video: Video, content: Content) -> Path:
    try:
        return await stack.enter_async_context(run.tools.store.object_file(content.key))
    except FileNotFoundError as gone:
        raise ClipInitFailed(f"The file of the video {video.vid} cannot be read.") from gone


def _file_name(title: str) -> str:
    """Short enough for whatever the title is."""
    return f"{title[:200]}.mp4"
