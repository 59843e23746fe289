"""The protocol graphql-transport-ws, message by message."""

import json
import logging
import time
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from db import runs
from db.models import Task
from domain.events import topic
from domain.videos import Resolution
from jobs import outcomes
from resolvers.context import Services
from tests.support import factories, uploading
from tests.support.api import TRANSPORT_WS, Api, costing
from tests.support.tables import global_id
from tests.support.waiting import until

TASK = "subscription ($task: ID!) { task(id: $task) { status } }"


def opening(api: Api, *protocols: Subprotocol, **options: Any) -> connect:
    url = api.base_url.replace("http", "ws", 1) + "/graphql"
    return connect(url, subprotocols=protocols or [TRANSPORT_WS], proxy=None, **options)


async def closed(connection: ClientConnection) -> tuple[int, str]:
    """How the server ended the connection, after whatever it still said."""
    await connection.wait_closed()
    assert connection.close_code is not None
    return connection.close_code, connection.close_reason or ""


def following(id: str, **data: Any) -> dict[str, Any]:
    return {"id": id, "type": "next", "payload": {"data": data}}


def answered(id: str, cost: int, **data: Any) -> dict[str, Any]:
    """The one message of a query."""
    return {"id": id, "type": "next", "payload": {"data": data, **costing(cost)}}


def complete(id: str) -> dict[str, Any]:
    return {"id": id, "type": "complete"}


@pytest.fixture
async def task(services: Services, owner: factories.Owner) -> Task:
    video = await factories.video(services.db, owner.account)
    return await factories.transcode_task(services.db, video, Resolution.P360)


async def end(services: Services, task: Task) -> None:
    """The task runs and succeeds, in one transaction."""
    async with services.db.write() as session:
        run = await runs.claim(session, task.id, worker="here:1")
        assert run is not None
        assert await runs.succeed(session, run)
        await outcomes.wake_watchers(session, task)


async def test_a_subscription_is_a_next_for_each_message_and_then_complete(
    api: Api, services: Services, task: Task
) -> None:
    async with api.socket() as socket:
        await socket.subscribe("1", TASK, task=global_id(task))
        assert await socket.receive() == following("1", task={"status": "QUEUED"})
        await end(services, task)
        assert await socket.receive() == following("1", task={"status": "SUCCEEDED"})
        assert await socket.receive() == complete("1")


async def test_messages_are_text(api: Api) -> None:
    async with api.socket() as socket:
        await socket.subscribe("1", "{ viewer { name } }")
        assert isinstance(await socket.connection.recv(), str)


async def test_queries_and_mutations_work_too(api: Api) -> None:
    async with api.socket() as socket:
        await socket.subscribe("q", "query A { viewer { name } }")
        assert await socket.receive() == answered("q", 1, viewer={"name": "Test"})
        assert await socket.receive() == complete("q")
        values = {"title": "x", "sha256": "0" * 64, "fileSize": 1}
        await socket.subscribe("m", uploading.CREATE, input=values)
        payload = (await socket.receive())["payload"]["data"]["createUploadSession"]
        assert (payload["uploadSession"]["status"], payload["userErrors"]) == ("WAITING", [])
        assert await socket.receive() == complete("m")


async def test_without_a_key_only_what_is_public_works(anonymous: Api) -> None:
    async with anonymous.socket() as socket:
        await socket.subscribe("1", "{ viewer { id } limits { maxPageSize } }")
        assert await socket.receive() == answered("1", 2, viewer=None, limits={"maxPageSize": 100})
        assert await socket.receive() == complete("1")
        await socket.subscribe("2", "subscription { playSetReady { id } }")
        error = (await socket.receive())["payload"]["errors"][0]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
        assert await socket.receive() == complete("2")


async def test_several_subscriptions_share_a_connection(
    api: Api, services: Services, owner: factories.Owner, task: Task
) -> None:
    video = await factories.video(services.db, owner.account)
    other = await factories.transcode_task(services.db, video)
    async with api.socket() as socket:
        for id, one in (("a", task), ("b", other)):
            await socket.subscribe(id, TASK, task=global_id(one))
            assert await socket.receive() == following(id, task={"status": "QUEUED"})
        await end(services, other)
        assert await socket.receive() == following("b", task={"status": "SUCCEEDED"})
        assert await socket.receive() == complete("b")
        await end(services, task)
        assert await socket.receive() == following("a", task={"status": "SUCCEEDED"})


async def test_complete_by_the_client_ends_the_subscription_on_the_server(
    api: Api, services: Services, task: Task
) -> None:
    subject = topic("task", task.id)

    async def forgotten() -> bool:
        return services.bus.subscribers(subject) == 0

    async with api.socket() as socket:
        for _ in range(2):  # the id can be used again
            await socket.subscribe("1", TASK, task=global_id(task))
            await socket.receive()
            assert services.bus.subscribers(subject) == 1
            await socket.send(complete("1"))
            await until(forgotten)
        await socket.subscribe("1", TASK, task=global_id(task))
        await socket.receive()
    await until(forgotten)  # also when the connection ends


async def test_an_operation_that_cannot_run_is_an_error_of_its_own(api: Api) -> None:
    cases = [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { viewer { id } } query B { viewer { id } }", "BAD_USER_INPUT"),
        ("fragment A on Query { limits { maxChunks } }", "BAD_USER_INPUT"),
        ("query ($id: ID!) { node(id: $id) { id } }", "BAD_USER_INPUT"),
        ("", "BAD_USER_INPUT"),
    ]
    async with api.socket() as socket:
        for id, (query, code) in enumerate(cases):
            await socket.subscribe(str(id), query)
            answer = await socket.receive()
            if answer["type"] == "error":
                errors = answer["payload"]
            else:
                errors = answer["payload"]["errors"]
                assert await socket.receive() == complete(str(id))
            assert [error["extensions"]["code"] for error in errors] == [code]
        await socket.subscribe("9", "{ viewer { name } }")
        assert await socket.receive() == answered("9", 1, viewer={"name": "Test"})


async def test_a_ping_is_answered(api: Api) -> None:
    async with api.socket() as socket:
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}


async def test_a_page_of_another_site_may_connect(anonymous: Api) -> None:
    async with opening(anonymous, origin="https://elsewhere.example") as connection:
        await connection.send('{"type": "connection_init"}')
        assert json.loads(await connection.recv()) == {"type": "connection_ack"}


async def test_a_connection_that_says_nothing_is_closed_after_3_seconds(anonymous: Api) -> None:
    started = time.monotonic()
    async with opening(anonymous) as connection:
        assert await closed(connection) == (4408, "Connection initialisation timeout")
    assert time.monotonic() - started > 2.9


@pytest.mark.parametrize("protocol", ["graphql-ws", "other"])
async def test_another_protocol_is_refused(anonymous: Api, protocol: str) -> None:
    async with opening(anonymous, Subprotocol(protocol)) as connection:
        assert await closed(connection) == (4406, "Subprotocol not acceptable")


async def test_nothing_runs_before_the_connection_is_acknowledged(anonymous: Api) -> None:
    async with opening(anonymous) as connection:
        message = {"id": "1", "type": "subscribe", "payload": {"query": "{ viewer { id } }"}}
        await connection.send(json.dumps(message))
        assert await closed(connection) == (4401, "Unauthorized")


async def test_a_connection_is_acknowledged_once(api: Api) -> None:
    async with api.socket() as socket:
        await socket.send({"type": "connection_init"})
        assert await closed(socket.connection) == (4429, "Too many initialisation requests")


async def test_an_id_in_use_closes_the_connection(api: Api, task: Task) -> None:
    async with api.socket() as socket:
        for _ in range(2):
            await socket.subscribe("1", TASK, task=global_id(task))
        assert await closed(socket.connection) == (4409, "Subscriber for 1 already exists")


QUERY = {"query": "{ viewer { id } }"}
MALFORMED: list[Any] = [
    [],
    3,
    None,
    "subscribe",
    {},
    {"type": None},
    {"type": []},
    {"type": "subscribe"},
    {"type": "subscribe", "payload": QUERY},
    {"type": "subscribe", "id": 1, "payload": QUERY},
    {"type": "subscribe", "id": [], "payload": QUERY},
    {"type": "subscribe", "id": "1"},
    {"type": "subscribe", "id": "1", "payload": "x"},
    {"type": "subscribe", "id": "1", "payload": []},
    {"type": "subscribe", "id": "1", "payload": {}},
    {"type": "subscribe", "id": "1", "payload": {"query": 3}},
    {"type": "subscribe", "id": "1", "payload": {**QUERY, "variables": []}},
    {"type": "subscribe", "id": "1", "payload": {**QUERY, "operationName": 3}},
    {"type": "complete"},
    {"type": "complete", "id": {}},
    {"type": "start", "id": "1", "payload": QUERY},
]


async def test_a_malformed_message_closes_the_connection_and_is_no_bug(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    for text in [*map(json.dumps, MALFORMED), "{", "", b"{}", '{"type": "\\ud800"}']:
        async with api.socket() as socket:
            await socket.connection.send(text)
            code, reason = await closed(socket.connection)
            assert code == 4400, text
            assert reason
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("payload", ["x", 3, [], None])
async def test_a_first_message_must_have_an_object(anonymous: Api, payload: object) -> None:
    async with opening(anonymous) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert await closed(connection) == (4400, "Invalid connection init payload")
