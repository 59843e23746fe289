"""What many watch is read once, and each of them gets what it would get alone."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson
import pytest

from db import runs, tasks
from db.models import Task, Video
from domain.events import topic
from domain.tasks import TaskStatus
from domain.videos import Resolution
from jobs import outcomes
from resolvers.context import Services
from schema import ids
from tests.api.test_subscriptions import READY, finish, titled
from tests.support import factories
from tests.support.api import Api, Socket
from tests.support.statements import recorded
from tests.support.tables import global_id
from tests.support.waiting import until

TASK = "subscription ($task: ID!) { task(id: $task) { status progress video { title } } }"


@pytest.fixture
async def task(services: Services, video: Video) -> Task:
    task = await factories.transcode_task(services.db, video, Resolution.P360)
    async with services.db.write() as session:
        assert await runs.claim(session, task.id, worker="here:1")
    return task


@asynccontextmanager
async def sockets(api: Api, count: int) -> AsyncGenerator[list[Socket]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(api.socket()) for _ in range(count)]


async def report(services: Services, task: Task, progress: float, *, wake: bool = True) -> None:
    async with services.db.write() as session:
        run = (await tasks.by_ids(session, [task.id]))[task.id]
        assert await runs.report(session, run, progress=progress, speed=1)
        if wake:
            await outcomes.wake_watchers(session, task)


async def succeed(services: Services, task: Task) -> None:
    async with services.db.write() as session:
        assert await runs.succeed(session, (await tasks.by_ids(session, [task.id]))[task.id])
        await outcomes.wake_watchers(session, task)


def shown(progress: float, status: TaskStatus = TaskStatus.RUNNING) -> dict[str, Any]:
    return {"status": status.name, "progress": progress, "video": {"title": "A video"}}


def noting(given: list[object], call: Callable[[object], bytes]) -> Callable[[object], bytes]:
    def noted(value: object) -> bytes:
        given.append(value)
        return call(value)

    return noted


async def received(socket: Socket) -> Any:
    """The value of the only field of the next message."""
    message = await socket.receive()
    assert message["type"] == "next", message
    (value,) = message["payload"]["data"].values()
    return value


async def all_received(members: list[Socket]) -> list[Any]:
    return await asyncio.gather(*map(received, members))


async def cost_of_a_change(services: Services, task: Task, members: list[Socket]) -> int:
    """Statements from a change until all have been told."""
    async with services.db.write() as session:
        run = (await tasks.by_ids(session, [task.id]))[task.id]
    progress = (run.progress or 0) + 0.1
    with recorded(services) as statements:
        await report(services, task, progress)
        assert await all_received(members) == [shown(progress)] * len(members)
    return len(statements)


async def test_a_change_is_read_once_for_any_number_of_watchers(
    api: Api, services: Services, task: Task
) -> None:
    async with sockets(api, 50) as members:
        await members[0].subscribe("1", TASK, task=global_id(task))
        assert await received(members[0]) == shown(0)
        alone = await cost_of_a_change(services, task, members[:1])
        for member in members[1:]:
            await member.subscribe("1", TASK, task=global_id(task))
        assert await all_received(members[1:]) == [shown(0.1)] * 49
        assert await cost_of_a_change(services, task, members) == alone
        assert services.bus.subscribers(topic("task", task.id)) == 1


async def test_a_change_is_encoded_once_for_any_number_of_watchers(
    api: Api, services: Services, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sockets(api, 10) as members:
        for member in members:
            await member.subscribe("1", TASK, task=global_id(task))
            await received(member)
        encoded: list[object] = []
        monkeypatch.setattr(orjson, "dumps", noting(encoded, orjson.dumps))
        await report(services, task, 0.5)
        assert await all_received(members) == [shown(0.5)] * 10
        assert encoded == [{"data": {"task": shown(0.5)}}]


async def test_those_who_come_together_share_from_the_beginning(
    api: Api, services: Services, task: Task
) -> None:
    async with sockets(api, 20) as members:
        asking = (member.subscribe("1", TASK, task=global_id(task)) for member in members)
        await asyncio.gather(*asking)
        assert await all_received(members) == [shown(0)] * 20
        assert services.bus.subscribers(topic("task", task.id)) == 1


async def test_a_socket_and_an_event_stream_share(api: Api, services: Services, task: Task) -> None:
    stream = api.watch(TASK, task=global_id(task))
    async with api.socket() as socket:
        assert (await anext(stream))["task"] == shown(0)
        await socket.subscribe("1", TASK, task=global_id(task))
        assert await received(socket) == shown(0)
        assert services.bus.subscribers(topic("task", task.id)) == 1
        await succeed(services, task)
        last = shown(1, TaskStatus.SUCCEEDED)
        assert [message async for message in stream] == [{"task": last}]
        assert await received(socket) == last
        assert await socket.receive() == {"id": "1", "type": "complete"}


async def test_a_newcomer_gets_the_state_of_now_and_nobody_gets_one_twice(
    api: Api, services: Services, task: Task
) -> None:
    async with sockets(api, 3) as (first, second, third):
        await first.subscribe("1", TASK, task=global_id(task))
        assert await received(first) == shown(0)
        await report(services, task, 0.5, wake=False)  # a change that nobody was told of
        for newcomer in (second, third):
            await newcomer.subscribe("1", TASK, task=global_id(task))
            assert await received(newcomer) == shown(0.5)
        await succeed(services, task)
        last = shown(1, TaskStatus.SUCCEEDED)
        assert [await received(first), await received(first)] == [shown(0.5), last]
        assert await all_received([second, third]) == [last] * 2
        for member in (first, second, third):
            assert await member.receive() == {"id": "1", "type": "complete"}


@pytest.mark.parametrize("id", ['"', "\\", "é\u2028", "a b", "\x00", ""])
async def test_each_gets_its_own_id(api: Api, task: Task, id: str) -> None:
    async with api.socket() as socket:
        await socket.subscribe(id, TASK, task=global_id(task))
        assert await socket.receive() == {
            "id": id,
            "type": "next",
            "payload": {"data": {"task": shown(0)}},
        }


async def test_one_connection_may_watch_the_same_twice(
    api: Api, services: Services, task: Task
) -> None:
    async with api.socket() as socket:
        for id in ("a", "b"):
            await socket.subscribe(id, TASK, task=global_id(task))
            assert (await socket.receive())["id"] == id
        await socket.send({"id": "a", "type": "complete"})
        await succeed(services, task)
        while (message := await socket.receive())["type"] != "complete":
            assert message["id"] == "b" or message["payload"]["data"]["task"] == shown(0)
        assert message["id"] == "b"


async def test_accounts_never_share(api: Api, stranger: Api, anonymous: Api, task: Task) -> None:
    async with api.socket() as ours, stranger.socket() as theirs, anonymous.socket() as nobodys:
        await ours.subscribe("1", TASK, task=global_id(task))
        assert await received(ours) == shown(0)
        for other, code in ((theirs, "NOT_FOUND"), (nobodys, "UNAUTHENTICATED")):
            await other.subscribe("1", TASK, task=global_id(task))
            payload = (await other.receive())["payload"]
            assert payload["data"] is None
            assert [error["extensions"]["code"] for error in payload["errors"]] == [code]
            assert await other.receive() == {"id": "1", "type": "complete"}


async def test_those_who_listen_to_what_is_new_share_at_any_time(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    async with sockets(api, 3) as members:
        for count, member in enumerate(members, 1):
            await member.subscribe("1", READY)
            await heard(services, owner, members[:count], title=f"video {count}")
            assert services.bus.subscribers(topic("account", owner.account.id)) == 1


async def test_each_account_hears_of_its_own_videos_only(
    api: Api, stranger: Api, services: Services, owner: factories.Owner
) -> None:
    async with api.socket() as ours, stranger.socket() as theirs:
        for member in (ours, theirs):
            await member.subscribe("1", READY)
        await heard(services, owner, [ours], title="ours")
        await theirs.send({"type": "ping"})
        assert await theirs.receive() == {"type": "pong"}  # and nothing before it


async def heard(
    services: Services, owner: factories.Owner, members: list[Socket], *, title: str
) -> None:
    """Videos of this title become ready, until all have heard of one."""

    async def of_this() -> None:
        for member in members:
            while (await received(member))["video"]["title"] != title:
                pass

    hearing = asyncio.create_task(of_this())

    async def told() -> bool:
        await titled(services, owner, title)
        return hearing.done()

    await until(told)
    await hearing


async def test_who_comes_later_to_a_replay_gets_it_from_its_beginning(
    api: Api, services: Services, video: Video
) -> None:
    rungs = (Resolution.P360, Resolution.P720)
    await factories.transcode_task(services.db, video, *rungs)
    await finish(services, video, Resolution.P360)
    id = ids.encode("Video", video.id)
    first = api.watch(READY, id=id)
    event = (await anext(first))["playSetReady"]
    later = api.watch(READY, id=id)
    assert (await anext(later))["playSetReady"] == event
    resumed = api.watch(READY, id=id, after=event["cursor"])
    coming = asyncio.ensure_future(anext(resumed))
    await finish(services, video, Resolution.P720)

    async def rest(stream: AsyncGenerator[dict[str, Any]]) -> list[str]:
        return [one["playSetReady"]["playSet"]["resolution"] async for one in stream]

    assert await rest(first) == await rest(later) == ["P720"]
    assert (await coming)["playSetReady"]["playSet"]["resolution"] == "P720"
    assert await rest(resumed) == []


async def test_the_execution_lasts_as_long_as_one_is_left(
    api: Api, services: Services, task: Task
) -> None:
    def watched() -> int:
        return services.bus.subscribers(topic("task", task.id))

    async def forgotten() -> bool:
        return not watched()

    async def complete(socket: Socket) -> None:
        await socket.send({"id": "1", "type": "complete"})

    async def close(socket: Socket) -> None:
        await socket.connection.close()

    async def vanish(socket: Socket) -> None:
        socket.connection.transport.abort()

    for leave in (complete, close, vanish):
        async with sockets(api, 2) as (one, other):
            for member in (one, other):
                await member.subscribe("1", TASK, task=global_id(task))
                await received(member)
            await leave(one)
            await other.send({"type": "ping"})
            assert (await other.receive(), watched()) == ({"type": "pong"}, 1)
            await leave(other)
            await until(forgotten)
