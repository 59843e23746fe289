"""Relations and pages that PostgreSQL writes say the same as pages that are read as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from db import json, play_sets, tasks, videos
from db.json import MISFIT, Constant, Group, Inside, Kind, Member, OfPage, Paged, Parts
from db.models import Account, Task, Video
from db.paging import Order
from db.rows import Asked, Rows
from domain.errors import BadCursor
from domain.paging import Cursor, Window
from domain.videos import Resolution
from resolvers.context import Services
from tests.support import factories
from tests.support.texts import Desk, all_of, hole, leaf, one_of

CURSORS = {"cursor", "start_cursor", "end_cursor"}
MEMBERS: list[Member] = [
    "total_count",
    "total_pages",
    "page_number",
    "has_next_page",
    "has_previous_page",
    "start_cursor",
    "end_cursor",
]
ORDER = Order("created_at", descending=False)
ATTEMPT: Parts = (("n", leaf("attempt", Kind.INTEGER)),)
CURSOR = hole(0, "created_at", "id")


def member(name: Member) -> OfPage:
    return OfPage(name, hole=CURSOR if name in CURSORS else None)


def page(*parts: tuple[str, json.Part], number: int = 0, of: str | None = None) -> Paged:
    return Paged(number, of, parts)


NODES = ("nodes", OfPage("nodes", ATTEMPT))
EDGES = ("edges", OfPage("edges", (("cursor", CURSOR), ("node", Inside(ATTEMPT)))))
INFO = ("info", Group(tuple((name, member(name)) for name in MEMBERS)))
EVERYTHING = page(NODES, EDGES, INFO, ("t", Constant('"Page"')))


def write_cursor(value: object, id: object) -> bytes:
    return orjson.dumps(Order.cursor(value, id).encode())


FILL = {b"0": json.filler(Task, [Asked("created_at"), Asked("id")], write_cursor)}


@dataclass
class Line(Desk):
    """Tasks numbered 1, 2, 3 ... in the order of the list; several were made at one moment."""

    rows: list[Task]

    async def add(self, count: int) -> None:
        for minute in range(count):
            moment = factories.EPOCH + timedelta(minutes=minute // 3)
            self.rows.append(await self.task(created_at=moment))
        self.rows.sort(key=lambda row: (row.created_at, row.id))
        async with self.services.db.write() as session:
            for number, row in enumerate(self.rows, 1):
                (await session.get_one(Task, row.id)).attempt = row.attempt = number

    def wanted(self, window: Window) -> Rows:
        return Rows.of(tasks.TASKS, order=ORDER, window=window, account_id=self.account_id)

    def place(self, number: int) -> Cursor:
        row = self.rows[number - 1]
        return ORDER.cursor(row.created_at, row.id)

    async def page(self, window: Window, part: Paged = EVERYTHING) -> Any:
        made = await self.text(part, self.wanted(window))
        assert MISFIT not in made
        return orjson.loads(json.filled(made, FILL))

    async def expected(self, window: Window) -> dict[str, Any]:
        """What rows and counts say."""
        wanted, reader = self.wanted(window), self.services.reader
        columns = [Asked("attempt"), Asked("created_at"), Asked("id")]
        [found] = await reader.pages(wanted, columns)
        [count] = await reader.counts(wanted)
        nodes = [{"n": row[0]} for row in found.rows]
        cursors = [ORDER.cursor(row[1], row[2]).encode() for row in found.rows]
        info = {
            "total_count": count,
            "total_pages": -(-count // window.size) if window.size else None,
            "page_number": window.page,
            "has_next_page": found.has_next,
            "has_previous_page": found.has_previous,
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
        }
        edges = [{"cursor": c, "node": n} for c, n in zip(cursors, nodes, strict=True)]
        return {"nodes": nodes, "edges": edges, "info": info, "t": "Page"}


@pytest.fixture
async def line(services: Services, owner: factories.Owner) -> Line:
    found = Line(services, owner.account.id, [])
    await found.add(7)
    return found


def numbers(found: dict[str, Any]) -> list[int]:
    return [one["n"] for one in found["nodes"]]


Given = tuple[int, int | None, bool, int | None, Sequence[int]]
WINDOWS: list[Given] = [
    # size, from the cursor of, backwards, page; what the page holds
    (3, None, False, None, [1, 2, 3]),
    (7, None, False, None, [1, 2, 3, 4, 5, 6, 7]),
    (100, None, False, None, [1, 2, 3, 4, 5, 6, 7]),
    (3, 2, False, None, [3, 4, 5]),
    (3, 4, False, None, [5, 6, 7]),
    (3, 6, False, None, [7]),
    (3, 7, False, None, []),
    (3, None, True, None, [5, 6, 7]),
    (7, None, True, None, [1, 2, 3, 4, 5, 6, 7]),
    (100, None, True, None, [1, 2, 3, 4, 5, 6, 7]),
    (3, 5, True, None, [2, 3, 4]),
    (3, 4, True, None, [1, 2, 3]),
    (3, 2, True, None, [1]),
    (3, 1, True, None, []),
    (3, None, False, 1, [1, 2, 3]),
    (3, None, False, 2, [4, 5, 6]),
    (3, None, False, 3, [7]),
    (3, None, False, 4, []),
    (7, None, False, 1, [1, 2, 3, 4, 5, 6, 7]),
    (0, None, False, None, []),
    (0, 3, False, None, []),
    (0, None, True, None, []),
    (0, None, False, 2, []),
]


def window_of(line: Line, given: Given) -> Window:
    size, after, backwards, number, _ = given
    return Window(size, line.place(after) if after else None, backwards, number)


@pytest.mark.parametrize("given", WINDOWS, ids=str)
async def test_a_page_has_all_its_members(line: Line, given: Given) -> None:
    window = window_of(line, given)
    found = await line.page(window)
    assert numbers(found) == list(given[-1])
    assert found == await line.expected(window)


@pytest.mark.parametrize("given", WINDOWS, ids=str)
async def test_a_page_has_each_member_without_the_others(line: Line, given: Given) -> None:
    window = window_of(line, given)
    expected = await line.expected(window)
    for part in (NODES, EDGES):
        assert await line.page(window, page(part)) == {part[0]: expected[part[0]]}
    for name in MEMBERS:
        found = await line.page(window, page((name, member(name))))
        assert found == {name: expected["info"][name]}, name
        found = await line.page(window, page(NODES, (name, member(name))))
        assert found == {"nodes": expected["nodes"], name: expected["info"][name]}, name


async def test_a_page_may_say_nothing_but_its_type(line: Line) -> None:
    part = page(("t", Constant('"Page"')))
    assert await line.page(Window(3), part) == {"t": "Page"}
    assert await line.page(Window(0), part) == {"t": "Page"}


@pytest.mark.parametrize("backwards", [True, False])
async def test_an_empty_list_has_an_empty_page(
    services: Services,
    owner: factories.Owner,
    backwards: bool,  # noqa: FBT001
) -> None:
    empty = Line(services, owner.account.id, [])
    for window in (Window(3, backwards=backwards), Window(3, page=1), Window(3, page=2)):
        found = await empty.page(window)
        assert found == await empty.expected(window)
        assert (found["nodes"], found["edges"], found["info"]["total_count"]) == ([], [], 0)


async def test_a_cursor_of_another_list_is_refused(line: Line) -> None:
    with pytest.raises(BadCursor):
        await line.page(Window(3, Cursor("x", str(UUID(int=1)))))


@dataclass
class Shelf(Desk):
    """Videos, oldest first, with 3, 0 and 2 tasks; each task makes two play sets."""

    videos: list[Video]
    tasks: dict[UUID, list[UUID]]

    async def add(self, account: Account, count: int) -> None:
        db, rungs = self.services.db, [Resolution.P360, Resolution.P480, Resolution.P720]
        video = await factories.video(db, account, title=f"{count}", minutes=len(self.videos))
        found = [await factories.transcode_task(db, video, rungs[at]) for at in range(count)]
        self.videos.append(video)
        self.tasks[video.id] = [one.id for one in found]

    def all(self) -> Rows:
        return Rows.of(videos.VIDEOS, order=ORDER, account_id=self.account_id)

    def tasks_of_each(self, window: Window | None = None) -> Rows:
        wanted = Rows.of(tasks.TASKS, order=ORDER, window=window, account_id=self.account_id)
        return wanted._replace(by="video_id")

    def expected_tasks(self) -> list[list[dict[str, str]]]:
        return [[{"id": str(id)} for id in self.tasks[video.id]] for video in self.videos]


@pytest.fixture
async def shelf(services: Services, owner: factories.Owner) -> Shelf:
    found = Shelf(services, owner.account.id, [], {})
    for count in (3, 0, 2):
        await found.add(owner.account, count)
    return found


TITLE = ("title", leaf("title", Kind.TEXT))
KEY: Parts = (("id", leaf("id", Kind.PLAIN)),)


async def test_each_object_has_the_rows_that_refer_to_it(shelf: Shelf) -> None:
    part = all_of(0, None, (TITLE, ("tasks", all_of(1, "id", KEY))))
    made = orjson.loads(await shelf.text(part, shelf.all(), shelf.tasks_of_each()))
    assert [one["tasks"] for one in made] == shelf.expected_tasks()
    assert [one["title"] for one in made] == ["3", "0", "2"]


async def test_rows_refer_to_rows_of_rows(shelf: Shelf) -> None:
    rungs: Parts = (("r", leaf("resolution", Kind.ENUM, names=[("360P", "P360")])),)
    inner = *KEY, ("sets", all_of(2, "id", rungs)), ("video", one_of(3, "video_id", (TITLE,)))
    part = all_of(0, None, (TITLE, ("tasks", all_of(1, "id", inner))))
    wishes = (
        shelf.all(),
        shelf.tasks_of_each(),
        Rows.of(play_sets.PLAY_SETS, by="task_id", resolutions=[Resolution.P360]),
        Rows.of(videos.VIDEOS, by="id", account_id=shelf.account_id),
    )
    made = orjson.loads(await shelf.text(part, *wishes))
    for video, found in zip(shelf.videos, made, strict=True):
        expected = [
            {"id": str(id), "sets": [] if at else [{"r": "P360"}], "video": {"title": video.title}}
            for at, id in enumerate(shelf.tasks[video.id])
        ]
        assert found == {"title": video.title, "tasks": expected}


@pytest.mark.parametrize("window", [Window(2), Window(2, backwards=True), Window(1, page=2)])
async def test_each_object_has_a_page_of_its_own(shelf: Shelf, window: Window) -> None:
    infos: tuple[Member, ...] = ("total_count", "has_next_page", "has_previous_page")
    info = Group(tuple((name, OfPage(name)) for name in infos))
    inner = page(("nodes", OfPage("nodes", KEY)), ("info", info), number=1, of="id")
    wanted = shelf.tasks_of_each(window)
    outer = shelf.all()._replace(window=Window(10))
    body = OfPage("nodes", (TITLE, ("tasks", inner)))
    made = orjson.loads(
        await shelf.text(page(("nodes", body), ("n", OfPage("total_count"))), outer, wanted)
    )
    keys, reader = [one.id for one in shelf.videos], shelf.services.reader
    pages = await reader.pages(wanted, [Asked("id")], keys)
    counts = await reader.counts(wanted, keys)
    assert made["n"] == 3
    for found, expected, count in zip(made["nodes"], pages, counts, strict=True):
        assert found["tasks"]["nodes"] == [{"id": str(row[0])} for row in expected.rows]
        said = count, expected.has_next, expected.has_previous
        assert tuple(found["tasks"]["info"].values()) == said


async def test_a_column_may_be_an_expression_with_values_of_its_own(shelf: Shelf) -> None:
    """How much of a play set is made is its task's progress, or 1."""
    task = shelf.tasks[shelf.videos[0].id][0]
    wanted = Rows.of(play_sets.PLAY_SETS, by="task_id")
    part = all_of(1, "id", (("p", leaf("progress", Kind.FLOAT)),))
    made = await shelf.text(
        one_of(0, None, (("sets", part),)), Rows.of(tasks.TASKS, id=task), wanted
    )
    assert made == b'{"sets":[{"p":0.0}]}'


async def test_an_object_that_is_absent_is_null_or_a_misfit(shelf: Shelf) -> None:
    nobody = Rows.of(videos.VIDEOS, id=UUID(int=1))
    assert await shelf.text(one_of(0, None, (TITLE,), optional=True), nobody) == b"null"
    assert await shelf.text(one_of(0, None, (TITLE,)), nobody) == MISFIT
    assert await shelf.text(all_of(0, None, (TITLE,)), nobody) == b"[]"
    task = await shelf.task()
    wishes = (
        Rows.of(tasks.TASKS, id=task.id),
        Rows.of(videos.VIDEOS, by="id", account_id=shelf.account_id),
    )
    for optional, expected in [(True, b'{"video":null}'), (False, b'{"video":' + MISFIT + b"}")]:
        inner = one_of(1, "video_id", (TITLE,), optional=optional)
        assert await shelf.text(one_of(0, None, (("video", inner),)), *wishes) == expected


async def test_a_relation_that_has_no_rows_has_no_part(shelf: Shelf) -> None:
    part = all_of(0, None, (TITLE, ("tasks", Constant("[]"))))
    made = orjson.loads(await shelf.text(part, shelf.all(), None))
    assert [one["tasks"] for one in made] == [[], [], []]
    with pytest.raises(ValueError, match="relation 1"):
        await shelf.text(all_of(0, None, (("tasks", all_of(1, "id", KEY)),)), shelf.all(), None)
