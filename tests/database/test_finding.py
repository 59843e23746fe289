"""Pages of filtered lists: the same however few rows are looked at first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from db import finding, records, rows, videos
from db.models import Account, Video
from db.paging import Order
from db.rows import Rows
from domain import grams
from domain.paging import Window
from domain.videos import VideoOrder, VideoStatus
from resolvers.context import Services
from tests.support import factories

Fits = Callable[[Video], bool]
COUNT = 24
LEADING = (5, 6, 17)
"""Which of them are named by their ids, in one way or another."""


@pytest.fixture(params=[1, 4, 10, 2_000])
def near(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """How many rows are looked at in the list's order."""
    monkeypatch.setattr(finding, "NEAR", request.param)
    rows.reading.cache_clear()
    yield request.param
    rows.reading.cache_clear()


@dataclass
class Shelf:
    services: Services
    account: Account
    made: list[Video]

    async def page(self, order: Order, window: Window, **filters: Any) -> Any:
        wanted = Rows.of(
            videos.VIDEOS, order=order, window=window, account_id=self.account.id, **filters
        )
        [page] = await self.services.reader.pages(wanted, records.value_columns(Video))
        return page

    async def walk(self, order: Order, size: int, *, backwards: bool, **filters: Any) -> Any:
        """The titles of all pages, one after the other."""
        titles, cursor = list[str](), None
        while True:
            page = await self.page(order, Window(size, cursor, backwards), **filters)
            found = records.records(Video, page.rows)
            some = [one.title for one in found]
            titles = [*some, *titles] if backwards else [*titles, *some]
            if not (page.has_previous if backwards else page.has_next):
                return titles
            end = found[0 if backwards else -1]
            cursor = Order.cursor(getattr(end, order.column), end.id)

    def search(self, text: str) -> dict[str, Any]:
        return {
            "search": text,
            "search_grams": grams.wanted(text, self.account.id),
            "search_name": self.made[LEADING[0]].vid,
            "search_id": self.made[LEADING[1]].id,
        }

    def sorted(self, order: Order, fits: Fits, leading: tuple[int, ...] = ()) -> list[str]:
        """The titles of those that fit, as the list should have them."""

        def key(row: Video) -> Any:
            return getattr(row, order.column), row.id

        first = [self.made[one] for one in leading]
        rest = [one for one in self.made if fits(one) and one not in first]
        both = [sorted(some, key=key, reverse=order.descending) for some in (first, rest)]
        return [one.title for some in both for one in some]


@pytest.fixture
async def shelf(services: Services, owner: factories.Owner) -> Shelf:
    """Many ties in what they are sorted by; every third is an apple, one is a rarity."""
    made: list[Video] = []
    for number in range(COUNT):
        word = "apple" if number % 3 == 0 else "Pear"
        word = "rarity" if number == COUNT - 2 else word
        status = VideoStatus.PUBLISHED if number % 4 else VideoStatus.BANNED
        made.append(
            await factories.video(
                services.db,
                owner.account,
                title=f"{number % 5} {word} {number}",
                minutes=number // 3,
                status=status,
            )
        )
    last = LEADING[2]
    async with services.db.write() as session:
        row = await videos.lock(session, made[last].id)
        assert row is not None
        row.storage_id = made[LEADING[0]].vid  # the same text names another one
    return Shelf(services, owner.account, made)


def contains(text: str) -> Fits:
    return lambda row: text in row.title.lower()


def is_banned(row: Video) -> bool:
    return row.status is VideoStatus.BANNED


ORDERS = [
    videos.ordered(by, descending=down)
    for by in (VideoOrder.CREATED_AT, VideoOrder.TITLE, VideoOrder.FILE_SIZE)
    for down in (True, False)
]


@pytest.mark.usefixtures("near")
async def test_a_search_holds_everything_once_however_it_is_found(shelf: Shelf) -> None:
    for order in ORDERS:
        for text in ("apple", "rarity", "a", "nothing"):
            expected = shelf.sorted(order, contains(text), LEADING)
            for size in (1, 3, 100):
                for backwards in (False, True):
                    found = await shelf.walk(order, size, backwards=backwards, **shelf.search(text))
                    assert found == expected


@pytest.mark.usefixtures("near")
async def test_a_filtered_list_holds_everything_once_however_it_is_found(shelf: Shelf) -> None:
    banned = {"statuses": [VideoStatus.BANNED]}
    for order in ORDERS:
        expected = shelf.sorted(order, is_banned)
        for size in (1, 2, 100):
            for backwards in (False, True):
                assert await shelf.walk(order, size, backwards=backwards, **banned) == expected


@pytest.mark.usefixtures("near")
async def test_numbered_pages_of_a_search_hold_everything_once(shelf: Shelf) -> None:
    for order in ORDERS:
        expected = shelf.sorted(order, contains("apple"), LEADING)
        titles: list[str] = []
        for number in range(1, 8):
            page = await shelf.page(order, Window(2, page=number), **shelf.search("apple"))
            titles += [one.title for one in records.records(Video, page.rows)]
        assert titles == expected


async def test_a_count_is_of_the_whole_list(shelf: Shelf) -> None:
    found = Rows.of(
        videos.VIDEOS,
        order=ORDERS[0],
        window=Window(1),
        account_id=shelf.account.id,
        **shelf.search("apple"),
    )
    expected = len(shelf.sorted(ORDERS[0], contains("apple"), LEADING))
    assert await shelf.services.reader.counts(found) == [expected]
