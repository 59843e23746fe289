"""How long an operation may run, without a server: who cancels it, and what that raises."""

import asyncio
import contextlib

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from server.patience import Patience, TookTooLong


async def silent() -> Message:
    return await asyncio.get_running_loop().create_future()


async def gone() -> Message:
    return {"type": "http.disconnect"}


async def broken() -> Message:
    raise ZeroDivisionError


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_what_ends_in_time_is_left_alone() -> None:
    before = asyncio.all_tasks()
    with Patience(gone, 10):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_client_that_has_left_ends_it() -> None:
    with pytest.raises(ClientDisconnect), Patience(gone, 10):
        await forever()
    await asyncio.sleep(0)  # the task is free again


@pytest.mark.parametrize("receive", [silent, broken])
async def test_the_limit_ends_it(receive: object) -> None:
    with pytest.raises(TookTooLong, match=r"stopped after 0\.15 s"), Patience(receive, 0.15):  # pyright: ignore[reportArgumentType]
        await forever()
    await asyncio.sleep(0)


async def test_a_limit_may_be_shorter_than_the_quiet_time() -> None:
    with pytest.raises(TookTooLong), Patience(silent, 0.01):
        await forever()


async def test_work_that_ignores_being_stopped_changes_nothing() -> None:
    async def work() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await forever()

    with pytest.raises(TookTooLong), Patience(silent, 0.01):
        await work()


async def test_being_cancelled_by_others_stays_that() -> None:
    async def work() -> None:
        with Patience(silent, 10):
            await forever()

    running = asyncio.create_task(work())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_being_cancelled_by_others_goes_first() -> None:
    stopped = asyncio.Event()

    async def work() -> None:
        with Patience(silent, 0.01):
            try:
                await forever()
            finally:
                stopped.set()
                await asyncio.sleep(60)

    running = asyncio.create_task(work())
    await stopped.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
