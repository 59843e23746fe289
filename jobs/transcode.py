"""One pass of ffmpeg over a video, and the play sets it makes.

ffmpeg writes to a folder of this process; its files are stored under the attempt's own
prefix, and one fenced transaction publishes all of them. So a pass is READY as a whole or
not at all, and whatever a killed run left is below its own prefix, where the next clears it.
"""

import os
import shlex
from pathlib import Path
from typing import Final
from uuid import uuid4

from db import garbage, objects, play_sets, runs, templates, videos
from db.models import Content, Video
from db.session import WriteSession
from domain.errors import TranscodeFailed
from domain.media import Source
from domain.passes import Pass, sounds_of
from domain.play_sets import OPEN_PLAY_SETS, PlaySetStatus
from domain.simulation import Simulation, Stage
from domain.templates import Encryption, lowest_first
from domain.videos import TranscodePass
from jobs import metrics, outcomes, plans, publishing
from jobs.publishing import Key, Subject
from jobs.runs import Overtaken, Run, Waiting
from media.commands import SHOWN_INPUT, SHOWN_OUTPUT
from media.passes import Output, Progress

_STAGES: Final = {
    TranscodePass.ORIGIN: Stage.FIRST_PLAY,  # else it could be played after all
    TranscodePass.FIRST_PLAY: Stage.FIRST_PLAY,
    TranscodePass.LADDER: Stage.LADDER,
}


async def transcode(run: Run) -> None:
    """Make the play sets of this task that are still to come."""
    subject = await _begin(run)
    if subject is None:  # what another video has of the same bytes was all that was wanted
        return
    tools = run.tools
    await publishing.clear_earlier(run, subject.content.id)
    prefix = subject.prefix(run)
    try:
        with tools.workspace.folder() as folder:
            output = await _encode(run, subject, folder)
            await _change(run, PlaySetStatus.TRANSCODED)
            await _change(run, PlaySetStatus.UPLOADING, removed=prefix)
            stored = await publishing.store(run, output, prefix, subject.source.duration_ms)
        async with tools.db.write() as session:
            await publishing.publish(session, run, subject, output, stored)
    except BaseException:
        await publishing.discard(run, prefix)
        raise


async def _encode(run: Run, subject: Subject, folder: Path) -> Output:
    async def report(progress: Progress) -> None:
        await run.report(progress.fraction, progress.speed)

    _fail_if_simulated(subject)
    encoder, one, source, pace = run.tools.encoder, subject.one, subject.source, subject.pace
    command = encoder.command(one, source, SHOWN_INPUT, SHOWN_OUTPUT, pace=pace)
    await _started(run, shlex.join(["ffmpeg", *command]))
    key = subject.key and subject.key.for_segments()
    async with run.tools.store.object_file(subject.content.key) as input:
        with metrics.encoding(one.kind.value, source.duration_ms):
            return await encoder.run(one, source, input, folder, report, key=key, pace=pace)


def _fail_if_simulated(subject: Subject) -> None:
    video = subject.video
    wanted = Simulation.from_json(video.simulation).fail_at if video.simulation else None
    if wanted is not None and wanted is _STAGES.get(subject.one.kind):
        raise TranscodeFailed("This failure was asked for by `simulate`.")


async def _begin(run: Run) -> Subject | None:
    """What is to be made; None when nothing is, any more."""
    task, kind = run.task, run.task.transcode_pass
    if task.video_id is None or kind is None:
        raise ValueError(f"the task {task.id} has no video or no pass")
    async with run.tools.db.write() as session:
        video = await videos.lock(session, task.video_id)
        if video is None or not await runs.hold(session, task):
            raise Overtaken
        if video.source is None or video.content_id is None:
            raise Overtaken
        content = await objects.content(session, video.content_id)
        if content is None:
            raise Overtaken
        if not task.redo:
            await plans.share(session, video, [task.id])
            if await plans.close(session, task):
                await publishing.follow(session, run, video, kind)
                return None
            if await runs.twin_runs(session, task, content.id):
                raise Waiting
        subject = await _subject(session, run, video, content)
        await play_sets.change_of_task(session, task.id, PlaySetStatus.TRANSCODING)
        await outcomes.wake_watchers(session, task)
    return subject


async def _subject(session: WriteSession, run: Run, video: Video, content: Content) -> Subject:
    task, source = run.task, Source.from_json(video.source or {})
    made = (await play_sets.of_tasks(session, [task.id]))[task.id]
    todo = {one.template_id: one for one in made if one.status in OPEN_PLAY_SETS}
    made_with = await templates.of_play_sets(session, list(todo.values()))
    wanted = lowest_first(list(made_with.values()))  # as it was planned
    sounds = {} if task.redo else await play_sets.latest_sounds(session, video.id)
    kind = task.transcode_pass or TranscodePass.LADDER
    one = Pass(
        kind,
        wanted,
        [sound for sound in sounds_of(source, wanted) if sound.name not in sounds],
        pictures=kind is TranscodePass.FIRST_PLAY,
    )
    encrypts = any(template.encryption is not Encryption.NONE for template in wanted)
    key = Key(uuid4(), os.urandom(16)) if encrypts else None
    return Subject(
        video, source, content, one, [(todo[one.id], one) for one in wanted], sounds, key
    )


async def _started(run: Run, command: str) -> None:
    async with run.tools.db.write() as session:
        if not await runs.started(session, run.task, command):
            raise Overtaken


async def _change(run: Run, status: PlaySetStatus, *, removed: str | None = None) -> None:
    """All that this run makes is in another state, if the run is still the latest.

    What is stored below `removed` from here on goes again, unless it is published in time.
    """
    async with run.tools.db.write() as session:
        if not await runs.hold(session, run.task):
            raise Overtaken
        await play_sets.change_of_task(session, run.task.id, status)
        if removed is not None:
            await garbage.announce(session, removed)
        await outcomes.wake_watchers(session, run.task)
