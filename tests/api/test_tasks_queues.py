"""Where tasks stand, what is expected of them, and how busy the queues are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from db import runs, workers
from db.models import Task, Video
from domain.errors import TranscodeFailed
from domain.videos import Resolution, TranscodePass
from jobs import outcomes, queue
from jobs.runs import Tools
from resolvers.context import Services
from tests.support import factories
from tests.support.api import Api, OperationFailed
from tests.support.statements import recorded
from tests.support.tables import global_id

TASK = "query ($id: ID!) { task(id: $id) { status queuePosition estimatedReadyAt } }"
PLAY_SETS = """
query ($vid: String!) {
  video(by: {vid: $vid}) {
    playSets { resolution status queuePosition estimatedReadyAt error { code message } }
  }
}
"""
PAGE = """
query ($first: Int!) {
  tasks(first: $first) {
    nodes {
      id queuePosition estimatedReadyAt
      ... on TranscodeTask { command redo playSets { queuePosition error { code } } }
    }
  }
}
"""
STATS = """
  queueStats {
    queued running workers oldestWaitSeconds
    queues { name queued running slots }
  }
"""


async def queued(
    tools: Tools, account: factories.Owner, *rungs: Resolution, cost_s: float = 60
) -> Task:
    """A first play that waits for a worker, of a video of its own."""
    video = await factories.video(tools.db, account.account)
    task = await factories.transcode_task(tools.db, video, *rungs)
    async with tools.db.write() as session:
        row = await session.get_one(Task, task.id)
        row.cost_s = cost_s
        await tools.queue.defer(session, row)
    return row


async def working(services: Services, slots: int = 1) -> None:
    async with services.db.write() as session:
        await workers.register(session, "here:1", [([queue.FIRST_PLAY], slots)])


def check_near(moment: str, seconds: float) -> None:
    """That it is so far from now, give or take the time of a slow request."""
    expected = datetime.now(UTC) + timedelta(seconds=seconds)
    assert abs(datetime.fromisoformat(moment) - expected) < timedelta(seconds=15)


async def test_a_task_that_waits_says_for_how_many_and_how_long(
    api: Api, tools: Tools, services: Services, owner: factories.Owner
) -> None:
    stranger = await factories.owner(services.db)
    others = [await queued(tools, stranger, cost_s=600) for _ in range(2)]
    mine = await queued(tools, owner)
    found = (await api.run(TASK, id=global_id(mine)))["task"]
    # Accounts take turns: only the first of the other's goes before.
    assert found == {"status": "QUEUED", "queuePosition": 1, "estimatedReadyAt": None}
    await working(services)
    found = (await api.run(TASK, id=global_id(mine)))["task"]
    assert found["queuePosition"] == 1
    check_near(found["estimatedReadyAt"], 600 + 60)
    async with services.db.write() as session:
        assert await runs.claim(session, others[0].id, worker="here:1")
    found = (await api.run(TASK, id=global_id(mine)))["task"]
    assert found["queuePosition"] == 0


async def test_a_play_set_that_is_to_come_has_what_its_task_has(
    api: Api, tools: Tools, services: Services, owner: factories.Owner
) -> None:
    await working(services)
    task = await queued(tools, owner, Resolution.P360)
    async with services.db.read() as session:
        video = await session.get_one(Video, task.video_id)
    (found,) = (await api.run(PLAY_SETS, vid=video.vid))["video"]["playSets"]
    assert (found["status"], found["queuePosition"], found["error"]) == ("INITIAL", 0, None)
    check_near(found["estimatedReadyAt"], 60)
    async with services.db.write() as session:
        run = await runs.claim(session, task.id, worker="here:1")
        assert run is not None
        failure = TranscodeFailed("ffmpeg ended with 1.")
        await runs.fail(session, run, failure)
        await outcomes.failed(session, run, failure)
    assert (await api.run(PLAY_SETS, vid=video.vid))["video"]["playSets"] == [
        {
            "resolution": "P360",
            "status": "TRANSCODE_FAILED",
            "queuePosition": None,
            "estimatedReadyAt": None,
            "error": {"code": "TRANSCODE_FAILED", "message": "ffmpeg ended with 1."},
        }
    ]


async def test_a_ready_play_set_waits_for_nothing(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    await working(services)
    video = await factories.video(services.db, owner.account)
    await factories.ready_play_set(services.db, video, playlist_key="videos/a.m3u8")
    (found,) = (await api.run(PLAY_SETS, vid=video.vid))["video"]["playSets"]
    assert (found["queuePosition"], found["estimatedReadyAt"], found["error"]) == (None, None, None)


async def test_a_page_with_places_costs_the_same_for_any_size(
    api: Api, tools: Tools, services: Services, owner: factories.Owner
) -> None:
    await working(services)
    await api.run("{ viewer { id } }")  # from here on the key is known
    for _ in range(20):
        await queued(tools, owner, Resolution.P360)
    costs: list[int] = []
    for first in (2, 20):
        with recorded(services) as statements:
            found = await api.run(PAGE, first=first)
        assert len(found["tasks"]["nodes"]) == first
        positions = [one["queuePosition"] for one in found["tasks"]["nodes"]]
        assert positions == list(range(19, 19 - first, -1))
        costs.append(len(statements))
    assert costs == [4, 4]  # the tasks, their places, their play sets, and those's places


async def test_what_ran_can_be_seen(
    api: Api, tools: Tools, services: Services, owner: factories.Owner
) -> None:
    task = await queued(tools, owner)
    async with services.db.write() as session:
        run = await runs.claim(session, task.id, worker="here:1")
        assert run is not None
        await runs.started(session, run, "ffmpeg -i source output/a.m4s")
    (found,) = (await api.run(PAGE, first=1))["tasks"]["nodes"]
    assert (found["command"], found["redo"]) == ("ffmpeg -i source output/a.m4s", False)


def load(**others: Any) -> list[dict[str, Any]]:
    names = ["intake", "first_play", "transcode", "clip", "fetch", "export", "cover"]
    empty = {"queued": 0, "running": 0, "slots": 0}
    return [{"name": name, **empty, **others.get(name, {})} for name in names]


async def test_stats_are_of_ones_own_work_and_everybodys_workers(
    api: Api, tools: Tools, services: Services, owner: factories.Owner
) -> None:
    nothing = {"queued": 0, "running": 0, "workers": 0, "oldestWaitSeconds": 0, "queues": load()}
    assert (await api.run(f"{{ {STATS} }}"))["queueStats"] == nothing
    await working(services, slots=3)
    await queued(tools, await factories.owner(services.db))
    await queued(tools, owner)
    begun = await queued(tools, owner)
    async with services.db.write() as session:
        assert await runs.claim(session, begun.id, worker="here:1")
        old = "update task set queued_at = now() - interval '90 s' where status = 'queued'"
        await session.execute(text(old))
    found = (await api.run(f"{{ {STATS} }}"))["queueStats"]
    assert 90 <= found.pop("oldestWaitSeconds") < 105
    assert found == {
        "queued": 1,
        "running": 1,
        "workers": 1,
        "queues": load(first_play={"queued": 1, "running": 1, "slots": 3}),
    }


async def test_a_ladder_that_waits_for_its_first_play_is_queued_where_it_will_run(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await factories.video(services.db, owner.account)
    ladder = await factories.transcode_task(services.db, video, kind=TranscodePass.LADDER)
    async with services.db.write() as session:
        (await session.get_one(Task, ladder.id)).queue = queue.TRANSCODE
    found = (await api.run(f"{{ {STATS} }}"))["queueStats"]
    assert (found["queued"], found["oldestWaitSeconds"]) == (1, 0)
    assert found["queues"] == load(transcode={"queued": 1})


async def test_changes_of_ones_own_work_and_of_workers_are_pushed(
    api: Api, tools: Tools, services: Services, owner: factories.Owner
) -> None:
    watching = api.watch("subscription { queueStats { queued running workers } }")
    seen = [(await anext(watching))["queueStats"]]
    task = await queued(tools, owner)
    seen.append((await anext(watching))["queueStats"])
    async with services.db.write() as session:
        run = await runs.claim(session, task.id, worker="here:1")
        assert run is not None
        await outcomes.wake_watchers(session, run)
    seen.append((await anext(watching))["queueStats"])
    await working(services)
    seen.append((await anext(watching))["queueStats"])
    await watching.aclose()
    assert [tuple(one.values()) for one in seen] == [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 1, 1)]


async def test_what_changes_nothing_is_not_sent(
    api: Api, tools: Tools, services: Services, owner: factories.Owner
) -> None:
    """Nor is what others do."""
    stranger = await factories.owner(services.db)
    watching = api.watch("subscription { queueStats { queued running } }")
    assert (await anext(watching))["queueStats"] == {"queued": 0, "running": 0}
    await queued(tools, stranger)
    await working(services)
    await queued(tools, owner)
    assert (await anext(watching))["queueStats"] == {"queued": 1, "running": 0}
    await watching.aclose()


@pytest.mark.parametrize("operation", ["query", "subscription"])
async def test_without_a_key_there_are_no_stats(anonymous: Api, operation: str) -> None:
    document = f"{operation} {{ {STATS} }}"
    ask = anonymous.run if operation == "query" else anonymous.collect
    with pytest.raises(OperationFailed) as refused:
        await ask(document)
    assert refused.value.codes == ["UNAUTHENTICATED"]
