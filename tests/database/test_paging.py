"""Pages by keyset: total order, both directions, and rows that come in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from db import paging, videos
from db.models import Account, Video
from db.paging import Order, Page
from db.session import Database
from domain.errors import BadCursor
from domain.paging import Cursor, Window
from domain.videos import VideoOrder, VideoStatus
from resolvers.context import Services
from tests.support import factories

MINUTES = [0, 1, 1, 1, 1, 2, 2]
"""Most rows tie with others in the value they are sorted by."""
TITLES = ["a", "B", "a", "é", "a", "A b", "日本"]

NEWEST = videos.ordered(VideoOrder.CREATED_AT, descending=True)
ORDERS = [videos.ordered(by, descending=down) for by in VideoOrder for down in (True, False)]
NAMES = [f"{by.value} {way}" for by in VideoOrder for way in ("down", "up")]


@dataclass
class Shelf:
    """An account's videos."""

    db: Database
    account: Account
    rows: list[Video]

    async def add(self, minutes: int, title: str = "x") -> Video:
        return await factories.video(self.db, self.account, title=title, minutes=minutes)

    async def page(self, order: Order[Video], window: Window) -> Page[Video]:
        async with self.db.read() as session:
            rows = videos.list_of(self.account.id, None)
            return await paging.page(session, rows, order, window)

    async def walk(self, order: Order[Video], size: int, *, backwards: bool) -> list[list[UUID]]:
        """Every page, in the order in which it was read."""
        pages: list[list[UUID]] = []
        cursor = None
        while True:
            found = await self.page(order, Window(size, cursor, backwards))
            pages.append(ids(found.rows))
            ahead, behind = found.has_next, found.has_previous
            if backwards:
                ahead, behind = behind, ahead
            assert behind == (cursor is not None)
            if not ahead:
                return pages
            cursor = order.cursor(found.rows[0 if backwards else -1])

    def sorted(self, order: Order[Video] = NEWEST) -> list[UUID]:
        def key(row: Video) -> tuple[object, UUID]:
            return getattr(row, order.column.key), row.id

        return ids(sorted(self.rows, key=key, reverse=order.descending))


def ids(rows: Sequence[Video]) -> list[UUID]:
    return [row.id for row in rows]


@pytest.fixture
def empty(services: Services, owner: factories.Owner) -> Shelf:
    return Shelf(services.db, owner.account, [])


@pytest.fixture
async def shelf(empty: Shelf) -> Shelf:
    for title, minutes in zip(TITLES, MINUTES, strict=True):
        empty.rows.append(await empty.add(minutes, title))
    return empty


@pytest.mark.parametrize("order", ORDERS, ids=NAMES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
async def test_pages_forward_make_the_whole_list(
    shelf: Shelf, order: Order[Video], size: int
) -> None:
    whole = shelf.sorted(order)
    pages = await shelf.walk(order, size, backwards=False)
    assert pages == [whole[at : at + size] for at in range(0, 7, size)]


@pytest.mark.parametrize("order", ORDERS, ids=NAMES)
@pytest.mark.parametrize("size", [1, 3, 8])
async def test_pages_backward_are_in_the_lists_own_order(
    shelf: Shelf, order: Order[Video], size: int
) -> None:
    whole = shelf.sorted(order)
    pages = await shelf.walk(order, size, backwards=True)
    assert pages == [whole[max(0, end - size) : end] for end in range(7, 0, -size)]


async def test_rows_that_come_in_between_move_nothing(shelf: Shelf) -> None:
    first = await shelf.page(NEWEST, Window(3))
    newer, older = await shelf.add(9), await shelf.add(-9)
    rest = await shelf.page(NEWEST, Window(9, NEWEST.cursor(first.rows[-1])))
    assert ids(first.rows) + ids(rest.rows) == [*shelf.sorted(), older.id]
    top = NEWEST.cursor(first.rows[0])
    assert ids((await shelf.page(NEWEST, Window(9, top, backwards=True))).rows) == [newer.id]


async def test_a_page_begins_after_a_row_that_is_gone(shelf: Shelf) -> None:
    whole = shelf.sorted()
    gone = next(row for row in shelf.rows if row.id == whole[2])
    async with shelf.db.write() as session:
        await session.delete(await session.get_one(Video, gone.id))
    rest = await shelf.page(NEWEST, Window(9, NEWEST.cursor(gone)))
    assert ids(rest.rows) == whole[3:]


async def test_microseconds_count(empty: Shelf) -> None:
    first, second = await empty.add(0), await empty.add(0)
    async with empty.db.write() as session:
        row = await session.get_one(Video, second.id)
        row.created_at += timedelta(microseconds=1)
    newest = await empty.page(NEWEST, Window(1))
    assert ids(newest.rows) == [second.id]
    rest = await empty.page(NEWEST, Window(1, NEWEST.cursor(newest.rows[0])))
    assert ids(rest.rows) == [first.id]


@pytest.mark.parametrize("direction", ["forward", "backward"])
async def test_an_empty_list_has_no_other_pages(empty: Shelf, direction: str) -> None:
    found = await empty.page(NEWEST, Window(5, backwards=direction == "backward"))
    assert found == Page([], has_next=False, has_previous=False)


async def test_a_page_of_no_rows_still_says_what_follows(shelf: Shelf) -> None:
    assert await shelf.page(NEWEST, Window(0)) == Page([], has_next=True, has_previous=False)


async def test_only_what_the_list_holds_is_paged_and_counted(shelf: Shelf) -> None:
    stranger = await factories.owner(shelf.db)
    await factories.video(shelf.db, stranger.account)
    published = await factories.video(shelf.db, shelf.account, status=VideoStatus.PUBLISHED)
    found = await shelf.page(NEWEST, Window(100))
    assert sorted(ids(found.rows)) == sorted([*ids(shelf.rows), published.id])
    async with shelf.db.read() as session:
        whole = videos.list_of(shelf.account.id, None)
        some = videos.list_of(shelf.account.id, [VideoStatus.PUBLISHED])
        assert await paging.count(session, whole) == 8
        assert await paging.count(session, some) == 1
        assert ids((await paging.page(session, some, NEWEST, Window(9))).rows) == [published.id]


@pytest.mark.parametrize(
    ("by", "cursor"),
    [
        (VideoOrder.CREATED_AT, Cursor("yesterday", str(uuid4()))),
        (VideoOrder.CREATED_AT, Cursor("2026-01-01T00:00:00+00:00", "7")),
        (VideoOrder.TITLE, Cursor("a", "not an id")),
        (VideoOrder.TITLE, Cursor("a\0b", str(uuid4()))),
        (VideoOrder.TITLE, Cursor("\ud800", str(uuid4()))),
    ],
    ids=["no time", "no id", "no id by title", "null character", "lone surrogate"],
)
async def test_a_cursor_of_another_list_is_refused(
    empty: Shelf, by: VideoOrder, cursor: Cursor
) -> None:
    with pytest.raises(BadCursor):
        await empty.page(videos.ordered(by, descending=True), Window(5, cursor))
