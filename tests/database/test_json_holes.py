"""Holes in the JSON that PostgreSQL writes: values for Python, which fills them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text, update

from db import json, tasks, videos
from db.json import MISFIT, Hole, Kind
from db.models import Task, Video
from db.rows import Asked, Form, Rows
from domain.tasks import TaskKind
from domain.videos import TranscodePass
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.texts import Desk, all_of, hole, leaf, one_of


@pytest.fixture
def desk(services: Services, owner: factories.Owner) -> Desk:
    return Desk(services, owner.account.id)


def filled(made: bytes, *fillers: json.Parse) -> Any:
    by_number = {str(number).encode(): fill for number, fill in enumerate(fillers)}
    return orjson.loads(json.filled(made, by_number))


def dump(*values: object) -> bytes:
    return orjson.dumps([repr(value) for value in values])


VALUES: dict[str, Any] = {
    "id": UUID(int=7),
    "video_id": None,
    "kind": TaskKind.TRANSCODE,
    "transcode_pass": TranscodePass.FIRST_PLAY,
    "error_code": None,
    "progress": 1 / 3,
    "speed": None,
    "attempt": -7,
    "job_id": 2**62,
    "log": '\x01\x02\x03\x04 " \\ \U0001f600',
    "worker": None,
    "error_message": "",
    "created_at": datetime(2026, 1, 1, 2, 3, 4, 5, tzinfo=UTC),
    "started_at": datetime(1970, 1, 1, tzinfo=UTC),
    "finished_at": None,
}


@pytest.mark.parametrize("column", VALUES)
async def test_a_hole_holds_one_value_as_python_has_it(desk: Desk, column: str) -> None:
    await desk.task(**VALUES)
    made = await desk.object((("a", hole(0, column)), ("b", leaf("attempt", Kind.INTEGER))))
    fill = json.filler(Task, [Asked(column)], dump)
    assert filled(made, fill) == {"a": [repr(VALUES[column])], "b": -7}


async def test_a_hole_holds_several_values_as_python_has_them(desk: Desk) -> None:
    await desk.task(**VALUES)
    made = await desk.object((("a", hole(0, *VALUES)),))
    fill = json.filler(Task, [Asked(name) for name in VALUES], dump)
    assert filled(made, fill) == {"a": [repr(value) for value in VALUES.values()]}


async def test_a_hole_holds_forms_of_columns(desk: Desk) -> None:
    await desk.task(**VALUES)
    needs = (
        Asked("id", Form.TEXT),
        Asked("id", Form.GLOBAL_ID, "Task"),
        Asked("video_id", Form.TEXT),
        Asked("created_at", Form.MOMENT),
        Asked("finished_at", Form.MOMENT),
    )
    key = UUID(int=7)
    made = await desk.object((("a", hole(0, *needs)),))
    expected = [str(key), ids.encode("Task", key), None, "2026-01-01T02:03:04.000005Z", None]
    assert filled(made, json.filler(Task, needs, dump)) == {"a": [repr(one) for one in expected]}


async def test_a_list_of_texts_is_written_and_held(desk: Desk, owner: factories.Owner) -> None:
    tags = ["\x010\x02", "\x03\x04", '"', "{a,b}", "", "\U0001f600"]
    video = await factories.video(desk.services.db, owner.account)
    async with desk.services.db.write() as session:
        await session.execute(update(Video).where(Video.id == video.id).values(tags=tags))
    wanted = Rows.of(videos.VIDEOS, account_id=desk.account_id)
    parts = (("a", leaf("tags", Kind.TEXTS)), ("b", hole(0, "tags", "title")))
    made = await desk.text(one_of(0, None, parts), wanted)
    fill = json.filler(Video, [Asked("tags"), Asked("title")], dump)
    assert filled(made, fill) == {"a": tags, "b": [repr(tags), repr("A video")]}


async def test_a_list_with_a_null_is_a_misfit(desk: Desk, owner: factories.Owner) -> None:
    await factories.video(desk.services.db, owner.account)
    async with desk.services.db.write() as session:
        await session.execute(text("update video set tags = array['a', null]"))
    wanted = Rows.of(videos.VIDEOS, account_id=desk.account_id)
    made = await desk.text(one_of(0, None, (("a", leaf("tags", Kind.TEXTS)),)), wanted)
    assert MISFIT in made


async def test_text_of_a_row_is_never_taken_for_a_hole(desk: Desk) -> None:
    """Nor for a misfit, whatever control characters it has."""
    awkward = "\x010\x02\x010\x01 \x03 \x04 \\u0001 \x011\x01"
    await desk.task(log=awkward, error_message=awkward, worker="\x04")
    parts = (
        ("a", leaf("log", Kind.TEXT, optional=True)),
        ("b", hole(0, "error_message")),
        ("c", leaf("log", Kind.TEXT)),
        ("d", hole(1, "worker", "log", "error_message")),
    )
    made = await desk.object(parts)
    assert MISFIT not in made
    one = json.filler(Task, [Asked("log")], orjson.dumps)
    three = json.filler(Task, [Asked("worker"), Asked("log"), Asked("error_message")], dump)
    expected = {"a": awkward, "b": awkward, "c": awkward}
    expected |= {"d": [repr("\x04"), repr(awkward), repr(awkward)]}
    assert filled(made, one, three) == expected


def numbered(number: int, hole: Hole) -> json.Parse:
    """Writes the hole's value after the number."""

    def write(value: object) -> bytes:
        return orjson.dumps([number, value])

    return json.filler(Task, hole.columns, write)


async def test_many_holes_of_many_rows_are_filled_each_with_its_own(desk: Desk) -> None:
    for number in range(3):
        await desk.task(attempt=number, log=f"log {number}", created_at=factories.EPOCH)
    parts = tuple((f"f{at}", hole(at, ("attempt", "log")[at % 2])) for at in range(12))
    wanted = Rows.of(tasks.TASKS, account_id=desk.account_id)
    made = await desk.text(all_of(0, None, parts), wanted)
    fillers = [numbered(at, one) for at, (_, one) in enumerate(parts)]
    found = sorted(filled(made, *fillers), key=lambda one: one["f0"])
    assert found == [
        {f"f{at}": [at, (row, f"log {row}")[at % 2]] for at in range(12)} for row in range(3)
    ]


async def test_a_member_of_an_enum_that_is_unknown_stays_text_in_a_hole(desk: Desk) -> None:
    await desk.task()
    async with desk.services.db.write() as session:
        await session.execute(text("update task set kind = 'dance'"))
    made = await desk.object((("a", hole(0, "kind")),))
    assert filled(made, json.filler(Task, [Asked("kind")], dump)) == {"a": ["'dance'"]}


async def test_what_fills_a_hole_may_fail(desk: Desk) -> None:
    await desk.task()
    made = await desk.object((("a", hole(0, "attempt")),))

    def fail(value: int) -> bytes:
        return b"%d" % (1 // value)

    with pytest.raises(ZeroDivisionError):
        filled(made, json.filler(Task, [Asked("attempt")], fail))


async def test_a_hole_may_need_no_value_at_all(desk: Desk) -> None:
    await desk.task()
    made = await desk.object((("a", hole(0)),))
    assert filled(made, json.filler(Task, [], lambda: b"7")) == {"a": 7}
