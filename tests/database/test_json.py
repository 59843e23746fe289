"""Objects that PostgreSQL writes are, byte for byte, what orjson would have written."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from db import json, tasks
from db.json import MISFIT, Cases, Constant, Inside, Kind
from db.rows import Asked, Form, Rows
from db.videos import VIDEOS
from domain.error_codes import ErrorCode
from domain.tasks import TaskKind, TaskStatus
from domain.videos import TranscodePass
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.texts import Desk, all_of, leaf, one_of

AWKWARD = [
    "",
    "plain",
    "null",
    'a "quoted" word',
    "it's",
    "back\\slash \\n \\u0000 \\",
    "line\nline\r\n\ttab\b\f",
    "".join(map(chr, range(1, 32))),
    "\x01" + "0\x02a\x01",
    "\x03",
    "\x04",
    "\x7f\x80\x9f",
    "/ < > & % %s %(x)s :name $1 {0}",
    "\u2028 \u2029 \ufeff \ufffe \uffff",
    "é日本 \U0001f600 \U0010ffff",
    "x" * 10_000,
    "日" * 10_000,
    '"' * 10_000,
]
AWKWARD_IDS = range(len(AWKWARD))


@pytest.fixture
def desk(services: Services, owner: factories.Owner) -> Desk:
    return Desk(services, owner.account.id)


@pytest.mark.parametrize("value", AWKWARD, ids=AWKWARD_IDS)
@pytest.mark.parametrize("optional", [True, False])
async def test_text_is_written_as_orjson_does(desk: Desk, value: str, optional: bool) -> None:  # noqa: FBT001
    await desk.task(log=value)
    made = await desk.object((("a", leaf("log", Kind.TEXT, optional=optional)),))
    assert made == orjson.dumps({"a": value})


async def test_text_that_is_never_null_is_written_as_orjson_does(
    desk: Desk, owner: factories.Owner
) -> None:
    title = "".join(AWKWARD[:15])
    video = await factories.video(desk.services.db, owner.account, title=title)
    part = one_of(0, None, (("title", leaf("title", Kind.TEXT)),))
    assert await desk.text(part, Rows.of(VIDEOS, id=video.id)) == orjson.dumps({"title": title})


FLOATS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.1,
    1 / 3,
    -2 / 3,
    0.5,
    100.0,
    0.001,
    123456789.125,
    1e9,
    0.1 + 0.2,
]
NO_FLOATS = [1e-5, -1e-5, 1e12, -1e12, 1e16, 1e300, 5e-324]


@pytest.mark.parametrize("value", FLOATS)
async def test_a_float_is_written_as_orjson_does(desk: Desk, value: float) -> None:
    await desk.task(progress=value, speed=value)
    parts = ("a", leaf("progress", Kind.FLOAT)), ("b", leaf("speed", Kind.FLOAT, optional=True))
    assert await desk.object(parts) == orjson.dumps({"a": value, "b": value})


@pytest.mark.parametrize("value", [*NO_FLOATS, float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("column", ["progress", "speed"])
async def test_a_float_that_orjson_may_write_otherwise_is_a_misfit(
    desk: Desk, column: str, value: float
) -> None:
    await desk.task(**{column: value})
    assert await desk.object((("a", leaf(column, Kind.FLOAT, optional=True)),)) == misfit("a")


def misfit(name: str) -> bytes:
    return f'{{"{name}":'.encode() + MISFIT + b"}"


@pytest.mark.parametrize("value", [0, 1, -1, 2**31 - 1, -(2**31)])
async def test_what_fits_32_bits_is_written(desk: Desk, value: int) -> None:
    await desk.task(job_id=value, attempt=value)
    parts = ("a", leaf("job_id", Kind.INT32)), ("b", leaf("attempt", Kind.INTEGER))
    assert await desk.object(parts) == orjson.dumps({"a": value, "b": value})


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("optional", [True, False])
async def test_what_does_not_fit_32_bits_is_a_misfit(
    desk: Desk,
    value: int,
    optional: bool,  # noqa: FBT001
) -> None:
    await desk.task(job_id=value)
    assert await desk.object((("a", leaf("job_id", Kind.INT32, optional=optional)),)) == misfit("a")


STATUSES = [(one.value, one.name) for one in TaskStatus]
PASSES = [(one.value, one.name) for one in TranscodePass]


@pytest.mark.parametrize("status", TaskStatus)
async def test_an_enum_is_written_by_name(desk: Desk, status: TaskStatus) -> None:
    await desk.task(status=status)
    parts = (("a", leaf("status", Kind.ENUM, names=STATUSES)),)
    assert await desk.object(parts) == orjson.dumps({"a": status.name})


async def test_an_unknown_member_of_an_enum_is_a_misfit(desk: Desk) -> None:
    await desk.task(transcode_pass=TranscodePass.FIRST_PLAY)
    async with desk.services.db.write() as session:
        await session.execute(text("update task set status = 'odd', transcode_pass = 'odd'"))
    found = leaf("status", Kind.ENUM, names=STATUSES)
    assert await desk.object((("a", found),)) == misfit("a")
    found = leaf("transcode_pass", Kind.ENUM, optional=True, names=PASSES)
    assert await desk.object((("a", found),)) == misfit("a")


NULLS: list[dict[str, Any]] = [
    {"column": "log", "kind": Kind.TEXT},
    {"column": "finished_at", "kind": Kind.PLAIN, "form": Form.MOMENT},
    {"column": "video_id", "kind": Kind.PLAIN},
    {"column": "job_id", "kind": Kind.INTEGER},
    {"column": "job_id", "kind": Kind.INT32},
    {"column": "speed", "kind": Kind.FLOAT},
    {"column": "transcode_pass", "kind": Kind.ENUM, "names": PASSES},
]


@pytest.mark.parametrize("given", NULLS, ids=lambda given: f"{given['kind']}")
async def test_null_is_written_only_where_it_is_allowed(desk: Desk, given: dict[str, Any]) -> None:
    await desk.task()
    assert await desk.object((("a", leaf(**given, optional=True)),)) == b'{"a":null}'
    assert await desk.object((("a", leaf(**given)),)) == misfit("a")


async def test_ids_and_times_are_written_as_text(desk: Desk) -> None:
    task = await desk.task(created_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC))
    parts = (
        ("id", json.Leaf(Asked("id", Form.GLOBAL_ID, "TranscodeTask"), Kind.PLAIN)),
        ("key", leaf("id", Kind.PLAIN)),
        ("at", leaf("created_at", Kind.PLAIN, form=Form.MOMENT)),
        ("kind", Constant('"Task"')),
    )
    assert await desk.object(parts) == orjson.dumps(
        {
            "id": ids.encode("TranscodeTask", task.id),
            "key": str(task.id),
            "at": "2026-01-02T03:04:05.000006Z",
            "kind": "Task",
        }
    )


@pytest.mark.parametrize("count", [1, 44, 45, 46, 49, 50, 51, 90, 91, 99, 100, 101, 400])
async def test_an_object_may_have_any_number_of_fields(desk: Desk, count: int) -> None:
    """PostgreSQL's functions take at most 100 arguments."""
    await desk.task(log="x", attempt=7)
    columns = leaf("log", Kind.TEXT, optional=True), leaf("attempt", Kind.INTEGER)
    parts = tuple((f"f{at}", columns[at % 2]) for at in range(count))
    expected = {f"f{at}": ("x", 7)[at % 2] for at in range(count)}
    assert await desk.object(parts) == orjson.dumps(expected)
    assert await desk.object((("in", Inside(parts)),)) == orjson.dumps({"in": expected})


async def test_an_object_of_the_same_row_is_null_where_its_column_is(desk: Desk) -> None:
    inner = ("log", leaf("log", Kind.TEXT, optional=True)), ("n", leaf("attempt", Kind.INTEGER))
    parts = ("maybe", Inside(inner, "error_code")), ("always", Inside(inner))
    some, none = {"log": None, "n": 0}, None
    fine = await desk.task()
    assert await desk.object(parts, fine) == orjson.dumps({"maybe": none, "always": some})
    failed = await desk.task(error_code=ErrorCode.CANCELLED)
    assert await desk.object(parts, failed) == orjson.dumps({"maybe": some, "always": some})


async def test_an_object_is_of_the_kind_that_a_column_says(desk: Desk) -> None:
    verify = ("t", Constant('"V"')), ("n", leaf("attempt", Kind.INTEGER))
    transcode = (("t", Constant('"T"')),)
    both = Cases("kind", (("verify", verify), ("transcode", transcode)))
    await desk.task(kind=TaskKind.VERIFY, created_at=factories.EPOCH)
    await desk.task(kind=TaskKind.TRANSCODE)
    wanted = Rows.of(tasks.TASKS, order=tasks.NEWEST_FIRST, account_id=desk.account_id)
    assert await desk.text(all_of(0, None, both), wanted) == b'[{"t":"T"},{"t":"V","n":0}]'
    one = Cases("kind", (("verify", verify),))
    made = await desk.text(all_of(0, None, one), wanted)
    assert made == b"[" + MISFIT + b',{"t":"V","n":0}]'
