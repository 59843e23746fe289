"""A test picture in place of an uploaded file, for a video that is only simulated."""

import asyncio
from typing import Final

from db import videos
from domain.errors import MediaRefused
from domain.media import Refusal
from domain.simulation import Simulation, Stage
from jobs import adoption
from jobs.runs import Overtaken, Run
from media import marks
from media.passes import Progress

FILE_NAME: Final = "simulation.mp4"

MAKING: Final = 0.9
"""The part of the task that is making the picture; the rest is hashing and storing."""


async def simulate(run: Run) -> None:
    """Make the file of the simulated video that this task is about, and give it its video."""

    async def report(progress: Progress) -> None:
        await run.report(MAKING * progress.fraction, progress.speed)

    wanted = await _wanted(run)
    with run.tools.workspace.folder() as folder:
        file = folder / FILE_NAME
        made = await run.tools.encoder.test_source(
            wanted.duration_ms, file, report, pace=wanted.pace
        )
        if wanted.fail_at is Stage.UPLOAD:
            raise MediaRefused(Refusal.DAMAGED, "This failure was asked for by `simulate`.")
        # Else what was made for another simulation would be shared, and no state be seen.
        await asyncio.to_thread(marks.mark, made, run.task.id.bytes)
        await adoption.adopt(run, made, name=FILE_NAME, begun=MAKING)


async def _wanted(run: Run) -> Simulation:
    task = run.task
    if task.video_id is None:
        raise ValueError(f"the task {task.id} has no video")
    async with run.tools.db.read() as session:
        video = await videos.by_id(session, task.video_id)
    if video is None:
        raise Overtaken
    if video.simulation is None:
        raise ValueError(f"the video {video.id} is not simulated")
    return Simulation.from_json(video.simulation)
