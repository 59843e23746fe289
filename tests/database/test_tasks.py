"""The fence: a run that was overtaken or cancelled changes nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from db import runs, tasks
from db.models import Task
from db.session import Database, WriteSession
from domain.error_codes import ErrorCode
from domain.errors import Cancelled, TranscodeFailed
from domain.tasks import TaskStatus
from resolvers.context import Services
from tests.support import factories

FAILURE = TranscodeFailed("It broke.")


@dataclass
class House:
    db: Database
    task: Task

    async def claim(self, worker: str = "one") -> Task | None:
        async with self.db.write() as session:
            return await runs.claim(session, self.task.id, worker=worker)

    async def begin(self, worker: str = "one") -> Task:
        run = await self.claim(worker)
        assert run is not None
        return run

    async def cancel(self) -> list[Task]:
        async with self.db.write() as session:
            return await tasks.cancel(session, [self.task.id], Cancelled("Enough."))

    async def write(self, change: Callable[[WriteSession], Awaitable[bool]]) -> bool:
        async with self.db.write() as session:
            return await change(session)

    async def row(self) -> Task:
        async with self.db.read() as session:
            return await session.get_one(Task, self.task.id)


@pytest.fixture
async def house(services: Services, owner: factories.Owner) -> House:
    video = await factories.video(services.db, owner.account)
    return House(services.db, await factories.transcode_task(services.db, video))


Change = Callable[[WriteSession, Task], Awaitable[bool]]


async def report(session: WriteSession, run: Task) -> bool:
    return await runs.report(session, run, progress=0.5, speed=2.0)


async def succeed(session: WriteSession, run: Task) -> bool:
    return await runs.succeed(session, run, log="done")


async def fail(session: WriteSession, run: Task) -> bool:
    return await runs.fail(session, run, FAILURE, log="broken")


async def put_back(session: WriteSession, run: Task) -> bool:
    return await runs.put_back(session, run, failed=True, reason="later")


CHANGES = [report, succeed, fail, put_back]


async def test_each_claim_is_a_higher_attempt(house: House) -> None:
    first, second = await house.begin("one"), await house.begin("two")
    assert (first.attempt, second.attempt) == (1, 2)
    assert (first.worker, second.worker) == ("one", "two")
    assert second.status is TaskStatus.RUNNING
    assert second.started_at == first.started_at


async def test_a_claim_starts_from_nothing(house: House) -> None:
    run = await house.begin()
    assert await house.write(lambda session: report(session, run))
    again = await house.begin()
    assert (again.progress, again.speed) == (0, None)


async def test_there_is_nothing_to_claim_of_an_unknown_task(house: House) -> None:
    async with house.db.write() as session:
        assert await runs.claim(session, uuid4(), worker="one") is None


@pytest.mark.parametrize("end", [succeed, fail])
async def test_a_task_that_is_over_is_not_claimed(house: House, end: Change) -> None:
    run = await house.begin()
    assert await house.write(lambda session: end(session, run))
    assert await house.claim() is None


@pytest.mark.parametrize("change", CHANGES)
async def test_an_overtaken_run_changes_nothing(house: House, change: Change) -> None:
    overtaken = await house.begin("one")
    await house.begin("two")
    before = columns(await house.row())
    assert not await house.write(lambda session: change(session, overtaken))
    assert columns(await house.row()) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_a_cancelled_run_changes_nothing(house: House, change: Change) -> None:
    run = await house.begin()
    await house.cancel()
    before = columns(await house.row())
    assert not await house.write(lambda session: change(session, run))
    assert columns(await house.row()) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_a_run_that_was_put_back_changes_nothing(house: House, change: Change) -> None:
    run = await house.begin()
    assert await house.write(lambda session: put_back(session, run))
    before = columns(await house.row())
    assert not await house.write(lambda session: change(session, run))
    assert columns(await house.row()) == before


def columns(row: Task) -> dict[str, object]:
    return {name: getattr(row, name) for name in Task.__mapper__.columns.keys()}  # noqa: SIM118


async def test_the_latest_run_reports_its_progress(house: House) -> None:
    run = await house.begin()
    assert await house.write(lambda session: report(session, run))
    row = await house.row()
    assert (row.progress, row.speed, row.status) == (0.5, 2.0, TaskStatus.RUNNING)


async def test_the_latest_run_succeeds_once(house: House) -> None:
    run = await house.begin()
    assert await house.write(lambda session: succeed(session, run))
    assert not await house.write(lambda session: succeed(session, run))
    row = await house.row()
    assert (row.status, row.progress, row.speed) == (TaskStatus.SUCCEEDED, 1, None)
    assert (row.log, row.error_code, row.error_message) == ("done", None, None)
    assert row.finished_at is not None


async def test_a_failure_keeps_its_reason(house: House) -> None:
    run = await house.begin()
    assert await house.write(lambda session: fail(session, run))
    row = await house.row()
    assert (row.status, row.error_code) == (TaskStatus.FAILED, ErrorCode.TRANSCODE_FAILED)
    assert (row.error_message, row.log) == ("It broke.", "broken")
    assert row.finished_at is not None


async def test_the_end_of_a_long_log_is_kept(house: House) -> None:
    run = await house.begin()
    log = "a" + "b" * runs.MAX_LOG
    assert await house.write(lambda session: runs.fail(session, run, FAILURE, log=log))
    assert (await house.row()).log == "b" * runs.MAX_LOG


@pytest.mark.parametrize("failures", [0, 1])
async def test_only_a_failed_run_counts(house: House, failures: int) -> None:
    run = await house.begin()
    assert await house.write(
        lambda session: runs.put_back(session, run, failed=failures == 1, reason=None)
    )
    row = await house.row()
    assert (row.status, row.failures, row.progress) == (TaskStatus.QUEUED, failures, 0)


async def test_success_forgets_the_failures_before_it(house: House) -> None:
    first = await house.begin()
    assert await house.write(lambda session: put_back(session, first))
    assert (await house.row()).error_message == "later"
    second = await house.begin()
    assert await house.write(lambda session: succeed(session, second))
    assert (await house.row()).error_message is None


async def test_a_cancelled_task_says_why(house: House) -> None:
    (ended,) = await house.cancel()
    assert (ended.id, ended.status) == (house.task.id, TaskStatus.CANCELLED)
    assert (ended.error_code, ended.error_message) == (ErrorCode.CANCELLED, "Enough.")
    assert ended.finished_at is not None
    assert await house.claim() is None


async def test_cancelling_a_task_that_is_over_changes_nothing(house: House) -> None:
    run = await house.begin()
    assert await house.write(lambda session: succeed(session, run))
    before = columns(await house.row())
    assert await house.cancel() == []
    assert columns(await house.row()) == before


async def test_a_log_of_any_characters_can_be_kept(house: House) -> None:
    """A hostile file decides some of what ffmpeg writes there."""
    run = await house.begin()
    assert await house.write(
        lambda session: runs.fail(session, run, FAILURE, log="a\0b\ufffd\x1b[31m")
    )
    assert (await house.row()).log == "a\ufffdb\ufffd\x1b[31m"


async def test_tasks_are_found_for_their_owner_only(house: House, owner: factories.Owner) -> None:
    stranger = await factories.owner(house.db)
    async with house.db.read() as session:
        own = await tasks.of_account(session, owner.account.id, [house.task.id])
        assert list(own) == [house.task.id]
        assert await tasks.of_account(session, stranger.account.id, [house.task.id]) == {}
