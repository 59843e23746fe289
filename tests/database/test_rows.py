"""Which rows are wanted, the forms of their columns, and records of them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import inspect, text

from db import play_sets, records, rows, tasks, uploads, videos
from db.models import Base, PlaySet, Task, UploadSession, Video
from db.paging import Order
from db.rows import Asked, Form, Rows
from domain.error_codes import ErrorCode
from domain.paging import Cursor, Window
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskKind, TaskStatus
from domain.videos import Resolution, TranscodePass, VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories

ID, OTHER = UUID(int=1), UUID(int=2)
NEWEST = Order("created_at")
CURSOR = Cursor("2026-01-01T00:00:00+00:00", str(ID))


def listed(**changes: Any) -> Rows:
    given: dict[str, Any] = {"order": NEWEST}
    given |= {"account_id": ID, "statuses": [VideoStatus.PUBLISHED]}
    return Rows.of(videos.VIDEOS, **given | changes)


CHANGES: list[dict[str, Any]] = [
    {"account_id": OTHER},
    {"statuses": [VideoStatus.PROCESSING]},
    {"statuses": []},
    {"statuses": None},
    {"vid": "x"},
    {"by": "id"},
    {"order": Order("created_at", descending=False)},
    {"order": None},
    {"window": Window(5)},
    {"limit": 5},
]
WINDOWS = [
    Window(5),
    Window(5, CURSOR),
    Window(5, backwards=True),
    Window(5, CURSOR, backwards=True),
    Window(5, page=2),
]


def test_equal_wishes_are_equal_and_can_be_keys() -> None:
    one, two = listed(window=Window(5, CURSOR)), listed(window=Window(5, CURSOR))
    assert one == two
    assert {one: "found"}[two] == "found"


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: str(*changes))
def test_different_wishes_are_not_equal(changes: dict[str, Any]) -> None:
    assert len({listed(), listed(**changes)}) == 2


def test_it_does_not_matter_how_a_list_of_values_is_given() -> None:
    ways: list[Any] = [
        [VideoStatus.PUBLISHED],
        (VideoStatus.PUBLISHED,),
        {VideoStatus.PUBLISHED},
        frozenset({"published"}),
    ]
    assert len({listed(statuses=one) for one in ways}) == 1
    assert {listed(statuses=one).values()["statuses"] for one in ways} == {("published",)}


def test_text_is_one_value_not_a_list_of_letters() -> None:
    assert listed(vid="abc").values()["vid"] == "abc"


def test_a_statement_depends_on_names_and_sizes_not_on_values() -> None:
    columns = (Asked("title"),)
    statement = rows.reading(listed(window=Window(5, CURSOR)).shape, columns)
    later = Cursor("2027-01-01T00:00:00+00:00", str(OTHER))
    same = listed(account_id=OTHER, statuses=[], window=Window(5, later))
    assert rows.reading(same.shape, columns) is statement
    assert rows.counting(same.shape) is rows.counting(listed(window=Window(5, CURSOR)).shape)
    second, third = (listed(window=Window(5, page=number)) for number in (2, 3))
    assert rows.reading(second.shape, columns) is rows.reading(third.shape, columns)
    for value in (str(ID), "published", "2026"):
        assert value not in statement.sql


def test_a_statement_depends_on_which_values_there_are() -> None:
    columns = (Asked("title"),)
    wishes = [listed(), *(listed(window=one) for one in WINDOWS)]
    wishes += [listed(statuses=None), listed(vid="x"), listed(by="id"), listed(order=None)]
    wishes += [listed(limit=5), listed(window=Window(6))]
    wishes += [listed(by="id", limit=5), listed(by="id", window=Window(5, CURSOR))]
    assert len({rows.reading(one.shape, columns).sql for one in wishes}) == len(wishes)
    assert len({rows.reading(listed().shape, (one,)).sql for one in ALL_FORMS}) == len(ALL_FORMS)


ALL_FORMS = [
    Asked("id"),
    Asked("id", Form.TEXT),
    Asked("id", Form.GLOBAL_ID, "Video"),
    Asked("id", Form.GLOBAL_ID, "Task"),
    Asked("created_at", Form.MOMENT),
]


@pytest.mark.parametrize("window", [None, *WINDOWS])
def test_a_wish_has_every_value_that_its_statement_takes(window: Window | None) -> None:
    wanted = listed(window=window)
    for statement in (rows.reading(wanted.shape, (Asked("id"),)), rows.counting(wanted.shape)):
        assert set(statement.names) <= wanted.values().keys() | statement.constants.keys()
        assert len(statement.arguments(wanted.values())) == len(statement.names)


def test_values_of_a_cursor_have_the_columns_types() -> None:
    values = listed(window=Window(5, CURSOR)).values()
    assert (values["cursor_value"], values["cursor_id"]) == (datetime(2026, 1, 1, tzinfo=UTC), ID)


class Desk:
    """An account, and one row of each of its tables."""

    def __init__(self, services: Services, account_id: UUID) -> None:
        self.services, self.account_id = services, account_id

    async def add(self, row: Base) -> Any:
        async with self.services.db.write() as session:
            session.add(row)
            await session.flush()
        return row

    async def task(self, **values: Any) -> Task:
        given = {"kind": TaskKind.VERIFY, "status": TaskStatus.QUEUED, **values}
        return await self.add(Task(account_id=self.account_id, **given))

    async def read(self, wanted: Rows, *asked: Asked) -> tuple[Any, ...]:
        [[row]] = await self.services.reader.rows(wanted, asked)
        return row


@pytest.fixture
def desk(services: Services, owner: factories.Owner) -> Desk:
    return Desk(services, owner.account.id)


def one_task(task: Task) -> Rows:
    return Rows.of(tasks.TASKS, id=task.id)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=UTC), "2026-01-02T03:04:05.120000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 1, tzinfo=UTC), "2026-01-02T03:04:05.000001Z"),
        (datetime(2026, 1, 2, 23, 59, 59, 999_999, tzinfo=UTC), "2026-01-02T23:59:59.999999Z"),
        (datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00.000000Z"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "9999-12-31T23:59:59.000000Z"),
        (datetime(99, 1, 1, 13, tzinfo=UTC), "0099-01-01T13:00:00.000000Z"),
        (
            datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            "2025-12-31T18:45:00.000000Z",
        ),
    ],
)
async def test_a_moment_is_utc_with_six_digits_of_a_second(
    desk: Desk, moment: datetime, expected: str
) -> None:
    task = await desk.task(created_at=moment)
    asked = Asked("created_at", Form.MOMENT), Asked("finished_at", Form.MOMENT)
    assert await desk.read(one_task(task), *asked) == (expected, None)
    assert datetime.fromisoformat(expected) == moment


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
async def test_a_moment_does_not_depend_on_the_connections_time_zone(desk: Desk, zone: str) -> None:
    task = await desk.task(created_at=datetime(2026, 7, 1, 12, tzinfo=UTC))
    asked = (Asked("created_at", Form.MOMENT),)
    statement = rows.reading(one_task(task).shape, asked)
    url = desk.services.db.conninfo
    async with await psycopg.AsyncConnection.connect(url, options=f"-c timezone={zone}") as other:
        cursor = psycopg.AsyncRawCursor(other)
        arguments = statement.arguments(one_task(task).values())
        await cursor.execute(statement.sql.encode(), arguments)
        assert await cursor.fetchone() == ("2026-07-01T12:00:00.000000Z",)


async def test_the_readers_times_are_utc(desk: Desk) -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    task = await desk.task(created_at=moment)
    [found] = await desk.read(one_task(task), Asked("created_at"))
    assert found.isoformat() == moment.isoformat()


@pytest.mark.parametrize("type_name", ["A", "Video", "TranscodeTask", "A" * 18, "A" * 19])
async def test_a_global_id_is_the_apis_own(desk: Desk, type_name: str) -> None:
    task = await desk.task()
    asked = Asked("id", Form.GLOBAL_ID, type_name), Asked("id", Form.TEXT)
    expected = ids.encode(type_name, task.id), str(task.id)
    assert await desk.read(one_task(task), *asked) == expected


async def test_a_type_name_whose_ids_postgresql_would_break_is_refused() -> None:
    with pytest.raises(ValueError, match="A" * 20):
        rows.reading(listed().shape, (Asked("id", Form.GLOBAL_ID, "A" * 20),))


async def test_a_key_that_is_null_has_no_text(desk: Desk) -> None:
    task = await desk.task()
    assert await desk.read(one_task(task), Asked("video_id", Form.TEXT)) == (None,)


async def whole(desk: Desk, source: rows.Source, model: type[Base], id: UUID) -> tuple[Any, Any]:
    """The row's record, and the ORM's object of it."""
    wanted = Rows(source, (("id", id),))
    if "id" not in source.filters:
        wanted = Rows(source, by="id")
    keys = [id] if wanted.by else None
    [found] = await desk.services.reader.rows(wanted, records.value_columns(model), keys)
    async with desk.services.db.read() as session:
        return records.records(model, found)[0], await session.get_one(model, id)


def same(model: type[Base], record: Any, row: Any) -> None:
    for one in records.value_columns(model):
        found, expected = getattr(record, one.column), getattr(row, one.column)
        assert found == expected, one.column
        assert isinstance(found, type(expected)), one.column


async def test_a_record_has_what_the_orms_object_has(desk: Desk, owner: factories.Owner) -> None:
    video = await factories.video(desk.services.db, owner.account, title='a "title"\n')
    task = await factories.transcode_task(desk.services.db, video, Resolution.P360)
    failed = await desk.task(
        status=TaskStatus.FAILED,
        progress=0.1,
        job_id=2**40,
        error_code=ErrorCode.CANCELLED,
        finished_at=datetime(2026, 1, 1, 1, 2, 3, 4, tzinfo=UTC),
    )
    same(Video, *await whole(desk, videos.VIDEOS, Video, video.id))
    for one in (task, failed):
        same(Task, *await whole(desk, tasks.TASKS, Task, one.id))
    wanted = Rows.of(play_sets.PLAY_SETS, by="task_id")
    [[(id, *_)]] = await desk.services.reader.rows(wanted, [Asked("id")], [task.id])
    same(PlaySet, *await whole(desk, play_sets.PLAY_SETS, PlaySet, id))


async def test_a_record_holds_members_of_enums(desk: Desk) -> None:
    task = await desk.task(status=TaskStatus.FAILED, error_code=ErrorCode.CANCELLED)
    record, _ = await whole(desk, tasks.TASKS, Task, task.id)
    assert record.kind is TaskKind.VERIFY
    assert record.status is TaskStatus.FAILED
    assert record.error_code is ErrorCode.CANCELLED
    assert record.transcode_pass is None
    assert record.model is Task


async def test_text_that_is_no_member_of_an_enum_stays_text(desk: Desk) -> None:
    task = await desk.task()
    async with desk.services.db.write() as session:
        await session.execute(text("update task set kind = 'dance'"))
    [found] = await desk.services.reader.rows(one_task(task), records.value_columns(Task))
    [record] = records.records(Task, found)
    assert record.kind == "dance"
    assert type(record.kind) is str


LARGE: list[tuple[rows.Source, set[str]]] = [
    (
        videos.VIDEOS,
        {"source", "simulation", "search_text", "grams", "share_password_hash"},
    ),
    (play_sets.PLAY_SETS, set()),
    (tasks.TASKS, set()),
    (uploads.UPLOADS, {"chunk_digests"}),
]


@pytest.mark.parametrize(("source", "large"), LARGE)
def test_a_record_has_every_column_but_large_ones(source: rows.Source, large: set[str]) -> None:
    columns = {one.key for one in inspect(source.model).column_attrs}
    found = {one.column for one in records.value_columns(source.model)}
    assert columns - found == large


def test_what_is_known_of_a_column() -> None:
    assert records.fact(Video, "title") == records.Fact(str, nullable=False, is_big=False)
    assert records.fact(Video, "description") == records.Fact(str, nullable=True, is_big=False)
    assert records.fact(Video, "file_size") == records.Fact(int, nullable=False, is_big=True)
    assert records.fact(Video, "epoch") == records.Fact(int, nullable=False, is_big=False)
    assert records.fact(Video, "width") == records.Fact(int, nullable=True, is_big=False)
    assert records.fact(Video, "id").python is UUID
    tags = records.Fact(list, nullable=False, is_big=False, is_texts=True)
    assert records.fact(Video, "tags") == tags
    assert records.fact(UploadSession, "partials").is_texts is False
    assert records.fact(PlaySet, "progress").python is float
    passes = records.fact(Task, "transcode_pass")
    assert passes.members == {one.value: one for one in TranscodePass}
    assert records.fact(PlaySet, "status").python is PlaySetStatus
