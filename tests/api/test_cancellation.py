"""Operations end when nobody waits for them, or when they take too long; so does their SQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import psycopg
import pytest

from resolvers.context import Services
from server.app import create_app
from server.patience import QUIET_S
from tests.support import factories
from tests.support.api import Api
from tests.support.serving import serving
from tests.support.waiting import until

LOGGED = {"server.operations", "uvicorn.error", "schema.failures", "sqlalchemy.pool"}
QUERY = "query Slow { videos { totalCount } }"
MUTATION = """
mutation {
  createUploadSession(input: {title: "x", fileSize: 1, sha256: "%s"}) { userErrors { code } }
}
""" % ("0" * 64)

Ask = Callable[[Api], Awaitable[httpx.Response]]


async def post(api: Api, query: str = QUERY) -> httpx.Response:
    return await api.http.post("/graphql", json={"query": query})


async def get(api: Api) -> httpx.Response:
    return await api.http.get("/graphql", params={"query": QUERY})


async def mutate(api: Api) -> httpx.Response:
    return await post(api, MUTATION)


WAYS = pytest.mark.parametrize("ask", [post, get, mutate])


class Lock:
    """Another connection, which keeps everybody from reading or writing the tables."""

    def __init__(self, holder: psycopg.AsyncConnection, watcher: psycopg.AsyncConnection) -> None:
        self.holder = holder
        self._watcher = watcher

    async def waiting(self, *, for_s: float = 0) -> bool:
        """Whether a statement has waited for so long."""
        cursor = await self._watcher.execute(
            """select count(*) from pg_stat_activity where datname = current_database()
            and wait_event_type = 'Lock' and now() - query_start > make_interval(secs => %s)""",
            [for_s],
        )
        return await cursor.fetchone() == (1,)

    async def free(self) -> bool:
        return not await self.waiting()


@pytest.fixture
async def lock(services: Services, database_url: str) -> AsyncIterator[Lock]:
    del services  # the lock must be gone before the tables are wiped
    connect = psycopg.AsyncConnection.connect
    async with await connect(database_url) as holder:
        await holder.execute("lock table video, upload_session in access exclusive mode")
        async with await connect(database_url, autocommit=True) as watcher:
            yield Lock(holder, watcher)


@pytest.fixture
async def hasty(services: Services, owner: factories.Owner) -> AsyncIterator[Api]:
    """The API with very short limits."""
    app = create_app(services, operation_timeout_s=QUIET_S + 0.2)
    async with serving(app) as url, Api(url, owner.api_key) as client:
        yield client


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name in LOGGED]


@WAYS
async def test_an_operation_ends_when_its_client_leaves(
    api: Api, lock: Lock, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    asking = asyncio.ensure_future(ask(api))
    await until(lock.waiting)
    asking.cancel()  # closes the connection
    await until(lock.free)
    await lock.holder.rollback()
    assert await api.run(f"{QUERY} ") == {"videos": {"totalCount": 0}}
    assert await api.run("{ uploadSessions { totalCount } }") == {
        "uploadSessions": {"totalCount": 0}
    }
    assert logged(caplog) == []


@WAYS
async def test_an_operation_is_stopped_at_its_limit(
    hasty: Api, lock: Lock, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await ask(hasty)
    await until(lock.free)  # the cancel reaches PostgreSQL on a connection of its own
    message = "The operation was stopped after 0.3 s, the most it may take."
    error = {"message": message, "extensions": {"code": "TIMEOUT"}}
    assert (answer.status_code, answer.json()) == (200, {"data": None, "errors": [error]})
    (line,) = logged(caplog)
    assert line.startswith(message)
    await lock.holder.rollback()
    found = await hasty.run("{ videos { totalCount } uploadSessions { totalCount } }")
    assert found == {"videos": {"totalCount": 0}, "uploadSessions": {"totalCount": 0}}


@WAYS
async def test_a_client_that_waits_gets_its_answer(api: Api, lock: Lock, ask: Ask) -> None:
    asking = asyncio.ensure_future(ask(api))
    await until(lambda: lock.waiting(for_s=2 * QUIET_S))
    await lock.holder.rollback()
    answer = await asking
    assert answer.status_code == 200
    assert "errors" not in answer.json()


async def test_a_client_may_leave_before_its_request_is_complete(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = api.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 9\r\n\r\n{{".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await api.run("{ __typename }") == {"__typename": "Query"}
    assert logged(caplog) == []


async def test_a_stopped_operation_disturbs_no_other(hasty: Api, lock: Lock) -> None:
    slow = asyncio.ensure_future(post(hasty))
    await until(lock.waiting)
    assert await hasty.run("{ __typename }") == {"__typename": "Query"}
    assert (await slow).json()["errors"][0]["extensions"]["code"] == "TIMEOUT"
    assert await hasty.run("{ __typename }") == {"__typename": "Query"}
