"""Simulated videos take the way of every video, as fast and as far as they were asked to."""

import asyncio
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from db.models import Task
from domain.error_codes import ErrorCode
from domain.events import EventType
from domain.tasks import TaskKind, TaskStatus
from domain.videos import VideoStatus
from jobs import queue
from jobs.runs import Tools
from media import marks
from storage.local import LocalStore
from tests.api.test_simulate import simulate
from tests.support import cutting, factories, samples
from tests.support.api import Api
from tests.support.cutting import House
from tests.support.tables import events

VIDEO = """
subscription ($video: ID!) {
  video(id: $video) { status durationMs tasks { nodes { __typename status } } }
}
"""
PLAY_SETS = "subscription ($video: ID!) { playSets(videoId: $video) { resolution status } }"
READY = """
subscription ($video: ID!) { playSetReady(videoId: $video) { playSet { resolution status } } }
"""
RUNGS = ["P360", "P480", "P720", "ORIGIN"]


@pytest.fixture
async def house(
    tools: Tools, api: Api, owner: factories.Owner, tmp_path: Path
) -> AsyncIterator[House]:
    store = LocalStore(tmp_path / "store")
    yield House(tools, api, owner, tmp_path).using(store=store)
    await store.close()


async def begin(house: House, **wanted: Any) -> str:
    payload = await simulate(house.api, **{"durationMs": 2_000, "speed": 4, **wanted})
    assert payload["userErrors"] == []
    return payload["video"]["id"]


async def watched(house: House, id: str) -> dict[str, list[Any]]:
    """All that each subscription sends over one WebSocket while the video is made."""
    names = {"video": VIDEO, "playSets": PLAY_SETS, "playSetReady": READY}
    heard: dict[str, list[Any]] = {name: [] for name in names}
    open_ones = set(names)
    async with house.api.socket() as socket, asyncio.timeout(60):
        for name, query in names.items():
            await socket.subscribe(name, query, video=id)
        working = asyncio.create_task(house.work())
        while open_ones:
            message = await socket.receive()
            name = message["id"]
            if message["type"] == "complete":
                open_ones.remove(name)
            else:
                assert message["type"] == "next", message
                heard[name].append(message["payload"]["data"][name])
        await working
    return heard


async def tasks(house: House) -> dict[str, Task]:
    """By pass, or by kind where there is none."""
    async with house.tools.db.read() as session:
        rows = await session.scalars(select(Task))
        return {str(one.transcode_pass or one.kind): one for one in rows}


async def test_clients_see_the_states_and_events_of_a_real_video(house: House) -> None:
    id = await begin(house)
    heard = await watched(house, id)
    first, last = heard["video"][0], heard["video"][-1]
    assert first == {
        "status": "PROCESSING",
        "durationMs": None,
        "tasks": {"nodes": [{"__typename": "SimulateTask", "status": "QUEUED"}]},
    }
    assert (last["status"], last["durationMs"]) == ("PUBLISHED", 2_000)
    assert {one["status"] for one in last["tasks"]["nodes"]} == {"SUCCEEDED"}
    simulated = [
        one["tasks"]["nodes"][0]["status"]
        for one in heard["video"]
        if len(one["tasks"]["nodes"]) == 1
    ]
    assert list(dict.fromkeys(simulated)) == ["QUEUED", "RUNNING"]
    assert heard["playSets"][0] == []
    assert heard["playSets"][-1] == [{"resolution": one, "status": "READY"} for one in RUNGS]
    seen = {one["status"] for sent in heard["playSets"] for one in sent}
    assert seen >= {"INITIAL", "TRANSCODING", "READY"}
    ready = [one["playSet"]["resolution"] for one in heard["playSetReady"]]
    assert (ready[0], ready[1], sorted(ready)) == ("ORIGIN", "P360", sorted(RUNGS))
    assert await house.faults() == []


async def test_every_step_keeps_the_pace(house: House) -> None:
    await begin(house, speed=7.5)
    await house.work()
    passes = select(Task.command).where(Task.kind == TaskKind.TRANSCODE)
    async with house.tools.db.read() as session:
        commands = [shlex.split(one or "") for one in await session.scalars(passes)]
    held = [command[command.index("-readrate") + 1] for command in commands]
    assert held == ["7.5"] * 3


async def test_simulations_share_nothing(house: House) -> None:
    """What is shared is READY at once: then nobody would see it being made."""
    one, other = await begin(house, speed=100), await begin(house, speed=100)
    await house.work(queue.CLIP)
    videos = [await house.video(one), await house.video(other)]
    assert videos[0].content_id != videos[1].content_id
    await house.work()
    async with house.tools.db.read() as session:
        made = list(await session.scalars(select(Task).where(Task.kind == TaskKind.TRANSCODE)))
    assert [(task.attempt, task.status) for task in made] == [(1, TaskStatus.SUCCEEDED)] * 6


async def test_an_upload_that_fails(house: House) -> None:
    id = await begin(house, failAt="UPLOAD")
    await house.work()
    task = (await tasks(house))["simulate"]
    assert (task.status, task.error_code) == (TaskStatus.FAILED, ErrorCode.MEDIA_REFUSED)
    video = await house.video(id)
    assert (video.status, video.status_reason) == (
        VideoStatus.UPLOAD_FAILED,
        "This failure was asked for by `simulate`.",
    )
    assert await events(house.tools.db) == [EventType.VIDEO_FAILED]
    assert await house.sources() == set()


async def test_a_first_play_that_fails_leaves_nothing_to_play(house: House) -> None:
    id = await begin(house, failAt="FIRST_PLAY")
    heard = await watched(house, id)
    assert heard["video"][-1]["status"] == "UPLOAD_FAILED"
    assert heard["playSets"][-1] == [
        {"resolution": one, "status": "TRANSCODE_FAILED"} for one in RUNGS
    ]
    assert heard["playSetReady"] == []
    made = await tasks(house)
    states = {name: (task.status, task.error_code) for name, task in made.items()}
    failed = (TaskStatus.FAILED, ErrorCode.TRANSCODE_FAILED)
    assert states == {
        "simulate": (TaskStatus.SUCCEEDED, None),
        "origin": failed,
        "first_play": failed,
        "ladder": (TaskStatus.CANCELLED, ErrorCode.TRANSCODE_FAILED),
    }


async def test_a_ladder_that_fails_leaves_the_lowest_rung(house: House) -> None:
    id = await begin(house, failAt="LADDER")
    heard = await watched(house, id)
    assert heard["video"][-1]["status"] == "PUBLISHED"
    states = ["READY", "TRANSCODE_FAILED", "TRANSCODE_FAILED", "READY"]
    assert heard["playSets"][-1] == [
        {"resolution": one, "status": status} for one, status in zip(RUNGS, states, strict=True)
    ]
    assert EventType.PLAY_SET_FAILED in await events(house.tools.db)


async def test_nothing_is_transcoded_when_that_is_to_be_skipped(house: House) -> None:
    mutation = """
      mutation ($input: CreateVideoInput!) {
        createVideo(input: $input) { video { id } userErrors { code } }
      }
    """
    wanted = {"durationMs": 1_000, "speed": 100}
    input = {"simulate": wanted, "skipAutoTranscode": True, "title": "None"}
    id = (await house.api.run(mutation, input=input))["createVideo"]["video"]["id"]
    await house.work()
    video = await house.video(id)
    assert (video.status, video.title, list(await tasks(house))) == (
        VideoStatus.PUBLISHED,
        "None",
        ["simulate"],
    )


async def test_a_simulation_above_the_quota_fails(house: House) -> None:
    id = await begin(house, speed=100)
    await house.limit_storage(1_000)
    await house.work()
    task = (await tasks(house))["simulate"]
    assert (task.status, task.error_code) == (TaskStatus.FAILED, ErrorCode.QUOTA_EXCEEDED)
    assert (await house.video(id)).status is VideoStatus.UPLOAD_FAILED
    assert await house.sources() == set()


def test_a_mark_changes_nothing_that_is_played(tmp_path: Path) -> None:
    file = samples.make(tmp_path / "video.mp4", seconds=1, size="64x64")
    before, size = cutting.pictures(file), file.stat().st_size
    marks.mark(file, b"sixteen bytes so")
    assert file.read_bytes()[size:] == b"\0\0\0\x18freesixteen bytes so"
    assert cutting.pictures(file) == before
    assert cutting.sound_ms(file) >= 1_000
