"""Pages of a list: total order, both directions, by number, and rows that come in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from db import records, videos
from db.models import Account, Video
from db.paging import Order, Page
from db.rows import Asked, Rows
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

    services: Services
    account: Account
    rows: list[Video]

    async def add(self, minutes: int, title: str = "x") -> Video:
        return await factories.video(self.services.db, self.account, title=title, minutes=minutes)

    def wanted(
        self, order: Order, window: Window, statuses: Sequence[VideoStatus] | None = None
    ) -> Rows:
        return Rows.of(
            videos.VIDEOS,
            order=order,
            window=window,
            account_id=self.account.id,
            statuses=statuses,
        )

    async def page(
        self, order: Order, window: Window, statuses: Sequence[VideoStatus] | None = None
    ) -> Page:
        """The page, its rows as records."""
        wanted = self.wanted(order, window, statuses)
        [page] = await self.services.reader.pages(wanted, records.value_columns(Video))
        found = records.records(Video, page.rows)
        return Page(found, has_next=page.has_next, has_previous=page.has_previous)

    async def walk(self, order: Order, size: int, *, backwards: bool) -> list[list[UUID]]:
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
            cursor = place(order, found.rows[0 if backwards else -1])

    def sorted(self, order: Order = NEWEST) -> list[UUID]:
        def key(row: Video) -> tuple[object, UUID]:
            return getattr(row, order.column), row.id

        return ids(sorted(self.rows, key=key, reverse=order.descending))


def ids(found: Sequence[Any]) -> list[UUID]:
    return [row.id for row in found]


def place(order: Order, row: Any) -> Cursor:
    return order.cursor(getattr(row, order.column), row.id)


@pytest.fixture
def empty(services: Services, owner: factories.Owner) -> Shelf:
    return Shelf(services, owner.account, [])


@pytest.fixture
async def shelf(empty: Shelf) -> Shelf:
    for title, minutes in zip(TITLES, MINUTES, strict=True):
        empty.rows.append(await empty.add(minutes, title))
    return empty


@pytest.mark.parametrize("order", ORDERS, ids=NAMES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
async def test_pages_forward_make_the_whole_list(shelf: Shelf, order: Order, size: int) -> None:
    whole = shelf.sorted(order)
    pages = await shelf.walk(order, size, backwards=False)
    assert pages == [whole[at : at + size] for at in range(0, 7, size)]


@pytest.mark.parametrize("order", ORDERS, ids=NAMES)
@pytest.mark.parametrize("size", [1, 3, 8])
async def test_pages_backward_are_in_the_lists_own_order(
    shelf: Shelf, order: Order, size: int
) -> None:
    whole = shelf.sorted(order)
    pages = await shelf.walk(order, size, backwards=True)
    assert pages == [whole[max(0, end - size) : end] for end in range(7, 0, -size)]


@pytest.mark.parametrize("order", ORDERS, ids=NAMES)
@pytest.mark.parametrize("size", [1, 3, 7])
async def test_numbered_pages_make_the_whole_list(shelf: Shelf, order: Order, size: int) -> None:
    whole, last = shelf.sorted(order), -(-7 // size)
    for number in range(1, last + 1):
        found = await shelf.page(order, Window(size, page=number))
        assert ids(found.rows) == whole[(number - 1) * size : number * size]
        assert (found.has_previous, found.has_next) == (number > 1, number < last)


async def test_a_page_beyond_the_last_is_empty(shelf: Shelf) -> None:
    assert await shelf.page(NEWEST, Window(3, page=4)) == Page(
        [], has_next=False, has_previous=True
    )


async def test_a_numbered_page_goes_on_by_cursor(shelf: Shelf) -> None:
    second = await shelf.page(NEWEST, Window(2, page=2))
    rest = await shelf.page(NEWEST, Window(9, place(NEWEST, second.rows[-1])))
    assert ids(second.rows) + ids(rest.rows) == shelf.sorted()[2:]


async def test_rows_that_come_in_between_move_nothing(shelf: Shelf) -> None:
    first = await shelf.page(NEWEST, Window(3))
    newer, older = await shelf.add(9), await shelf.add(-9)
    rest = await shelf.page(NEWEST, Window(9, place(NEWEST, first.rows[-1])))
    assert ids(first.rows) + ids(rest.rows) == [*shelf.sorted(), older.id]
    top = place(NEWEST, first.rows[0])
    assert ids((await shelf.page(NEWEST, Window(9, top, backwards=True))).rows) == [newer.id]


async def test_a_page_begins_after_a_row_that_is_gone(shelf: Shelf) -> None:
    whole = shelf.sorted()
    gone = next(row for row in shelf.rows if row.id == whole[2])
    async with shelf.services.db.write() as session:
        await session.delete(await session.get_one(Video, gone.id))
    rest = await shelf.page(NEWEST, Window(9, place(NEWEST, gone)))
    assert ids(rest.rows) == whole[3:]


async def test_microseconds_count(empty: Shelf) -> None:
    first, second = await empty.add(0), await empty.add(0)
    async with empty.services.db.write() as session:
        row = await session.get_one(Video, second.id)
        row.created_at += timedelta(microseconds=1)
    newest = await empty.page(NEWEST, Window(1))
    assert ids(newest.rows) == [second.id]
    rest = await empty.page(NEWEST, Window(1, place(NEWEST, newest.rows[0])))
    assert ids(rest.rows) == [first.id]


@pytest.mark.parametrize("direction", ["forward", "backward"])
async def test_an_empty_list_has_no_other_pages(empty: Shelf, direction: str) -> None:
    found = await empty.page(NEWEST, Window(5, backwards=direction == "backward"))
    assert found == Page([], has_next=False, has_previous=False)


async def test_a_page_of_no_rows_still_says_what_follows(shelf: Shelf) -> None:
    assert await shelf.page(NEWEST, Window(0)) == Page([], has_next=True, has_previous=False)


async def test_only_what_the_list_holds_is_paged_and_counted(shelf: Shelf) -> None:
    db, reader = shelf.services.db, shelf.services.reader
    stranger = await factories.owner(db)
    await factories.video(db, stranger.account)
    published = await factories.video(db, shelf.account, status=VideoStatus.PUBLISHED)
    found = await shelf.page(NEWEST, Window(100))
    assert sorted(ids(found.rows)) == sorted([*ids(shelf.rows), published.id])
    some = await shelf.page(NEWEST, Window(9), [VideoStatus.PUBLISHED])
    assert ids(some.rows) == [published.id]
    assert await shelf.page(NEWEST, Window(9), []) == Page([], has_next=False, has_previous=False)
    for statuses, count in [(None, 8), ([VideoStatus.PUBLISHED], 1), ([], 0)]:
        assert await reader.counts(shelf.wanted(NEWEST, Window(2), statuses)) == [count]


async def test_the_whole_list_is_counted_whatever_the_page(shelf: Shelf) -> None:
    end = place(NEWEST, min(shelf.rows, key=lambda row: (row.created_at, row.id)))
    for window in (Window(0), Window(1, end), Window(1, end, backwards=True), Window(5, page=9)):
        assert await shelf.services.reader.counts(shelf.wanted(NEWEST, window)) == [7]


async def test_a_list_without_a_window_has_no_pages(shelf: Shelf) -> None:
    whole = Rows.of(videos.VIDEOS, order=NEWEST, account_id=shelf.account.id)
    with pytest.raises(ValueError, match="window"):
        await shelf.services.reader.pages(whole, [Asked("id")])


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
@pytest.mark.parametrize("direction", ["forward", "backward"])
async def test_a_cursor_of_another_list_is_refused(
    empty: Shelf, by: VideoOrder, cursor: Cursor, direction: str
) -> None:
    window = Window(5, cursor, backwards=direction == "backward")
    with pytest.raises(BadCursor):
        await empty.page(videos.ordered(by, descending=True), window)
