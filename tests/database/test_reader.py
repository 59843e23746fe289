"""Reading one list, and the lists of many parents at once: by one statement."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from db import play_sets, tasks
from db.models import Account, Video
from db.paging import Order
from db.rows import Asked, Form, Rows
from domain.paging import Window
from domain.tasks import TaskStatus
from domain.videos import Resolution
from resolvers.context import Services
from tests.support import factories, statements


class Family:
    """Two videos with tasks, one without."""

    def __init__(self, services: Services, account_id: UUID) -> None:
        self.services, self.account_id = services, account_id
        self.videos: list[Video] = []
        self.tasks: dict[UUID, list[UUID]] = {}
        """Of each video, oldest first."""

    async def add(self, account: Account, count: int) -> None:
        db = self.services.db
        video = await factories.video(db, account)
        self.videos.append(video)
        found = [await factories.transcode_task(db, video) for _ in range(count)]
        self.tasks[video.id] = [one.id for one in found]

    @property
    def ids(self) -> list[UUID]:
        return [one.id for one in self.videos]

    def wanted(self, window: Window | None = None, limit: int | None = None) -> Rows:
        return Rows.of(
            tasks.TASKS,
            by="video_id",
            order=Order("created_at", descending=False),
            window=window,
            limit=limit,
            account_id=self.account_id,
        )


@pytest.fixture
async def family(services: Services, owner: factories.Owner) -> Family:
    found = Family(services, owner.account.id)
    for count in (3, 0, 2):
        await found.add(owner.account, count)
    return found


def firsts(groups: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [[row[0] for row in group] for group in groups]


async def test_rows_are_in_the_order_of_their_parents_keys(family: Family) -> None:
    one, none, two = family.ids
    keys = [two, None, one, uuid4(), none, two]
    groups = await family.services.reader.rows(family.wanted(), [Asked("id")], keys)
    tasks_one, tasks_two = family.tasks[one], family.tasks[two]
    assert firsts(groups) == [tasks_two, [], tasks_one, [], [], tasks_two]


async def test_a_list_is_cut_off_for_each_parent(family: Family) -> None:
    reader, columns = family.services.reader, [Asked("id")]
    tasks_one, _, tasks_two = family.tasks.values()
    groups = await reader.rows(family.wanted(limit=2), columns, family.ids)
    assert firsts(groups) == [tasks_one[:2], [], tasks_two]
    whole = family.wanted(limit=4)._replace(by=None)
    assert firsts(await reader.rows(whole, columns)) == [(tasks_one + tasks_two)[:4]]
    assert await reader.counts(whole) == [5]


async def test_each_parent_has_a_page_of_its_own(family: Family) -> None:
    one, none, two = family.ids
    keys = [two, None, one, none, one]
    pages = await family.services.reader.pages(family.wanted(Window(2)), [Asked("id")], keys)
    tasks_one, tasks_two = family.tasks[one], family.tasks[two]
    expected = [tasks_two, [], tasks_one[:2], [], tasks_one[:2]]
    assert firsts([page.rows for page in pages]) == expected
    assert [page.has_next for page in pages] == [False, False, True, False, True]
    assert not any(page.has_previous for page in pages)


async def test_pages_of_many_parents_go_backward_and_by_number(family: Family) -> None:
    reader, keys, columns = family.services.reader, family.ids, [Asked("id")]
    tasks_one, _, tasks_two = family.tasks.values()
    last = await reader.pages(family.wanted(Window(2, backwards=True)), columns, keys)
    assert firsts([page.rows for page in last]) == [tasks_one[1:], [], tasks_two]
    assert [page.has_previous for page in last] == [True, False, False]
    second = await reader.pages(family.wanted(Window(1, page=2)), columns, keys)
    assert firsts([page.rows for page in second]) == [tasks_one[1:2], [], tasks_two[1:]]
    assert [page.has_next for page in second] == [True, False, False]


async def test_columns_of_pages_keep_their_places(family: Family) -> None:
    asked = [
        Asked("id"),
        Asked("id", Form.TEXT),
        Asked("id", Form.GLOBAL_ID, "TranscodeTask"),
        Asked("created_at"),
        Asked("created_at", Form.MOMENT),
        Asked("started_at", Form.MOMENT),
        Asked("video_id"),
    ]
    wanted, key = family.wanted(Window(1)), family.ids[0]
    plain = await family.services.reader.rows(family.wanted(), asked, [key])
    [page] = await family.services.reader.pages(wanted, asked, [key])
    assert list(page.rows) == plain[0][:1]
    assert page.rows[0][-1] == key


async def test_each_parent_has_a_count_of_its_own(family: Family) -> None:
    one, none, two = family.ids
    keys = [two, None, one, uuid4(), none, two]
    counts = await family.services.reader.counts(family.wanted(Window(1)), keys)
    assert counts == [2, 0, 3, 0, 0, 2]
    everything = Rows.of(tasks.TASKS, account_id=family.account_id)
    assert await family.services.reader.counts(everything) == [5]


async def test_strangers_rows_are_left_out_for_many_parents(family: Family) -> None:
    stranger = await factories.owner(family.services.db)
    wanted = Rows.of(tasks.TASKS, by="video_id", account_id=stranger.account.id)
    reader = family.services.reader
    assert await reader.rows(wanted, [Asked("id")], family.ids) == [[], [], []]
    assert await reader.counts(wanted, family.ids) == [0, 0, 0]


async def test_lists_without_an_order_of_their_own_use_the_tables(services: Services) -> None:
    account = (await factories.owner(services.db)).account
    rungs = [Resolution.ORIGIN, Resolution.P720, Resolution.P360]
    found = [await factories.video(services.db, account) for _ in range(2)]
    for video in found:
        await factories.transcode_task(services.db, video, *rungs)
    wanted = Rows.of(play_sets.PLAY_SETS, by="video_id", account_id=account.id)
    keys = [one.id for one in found]
    groups = await services.reader.rows(wanted, [Asked("resolution")], keys)
    assert firsts(groups) == [[one.value for one in reversed(rungs)]] * 2


@pytest.mark.parametrize("parents", [1, 2, 3])
async def test_a_read_is_one_statement_for_any_number_of_parents(
    family: Family, parents: int
) -> None:
    reader, keys = family.services.reader, family.ids[:parents]
    reads: list[Callable[[], Awaitable[Any]]] = [
        lambda: reader.rows(family.wanted(), [Asked("id")], keys),
        lambda: reader.pages(family.wanted(Window(1)), [Asked("id")], keys),
        lambda: reader.counts(family.wanted(), keys),
    ]
    for read in reads:
        with statements.recorded(family.services) as found:
            await read()
        assert len(found) == 1


async def test_parents_without_keys_cost_no_statement(family: Family) -> None:
    reader, columns = family.services.reader, [Asked("id")]
    with statements.recorded(family.services) as found:
        assert await reader.rows(family.wanted(), columns, [None, None]) == [[], []]
        assert await reader.rows(family.wanted(), columns, []) == []
        assert [
            page.rows for page in await reader.pages(family.wanted(Window(1)), columns, [])
        ] == []
    assert found == []


async def test_a_filter_without_values_lets_nothing_through(family: Family) -> None:
    for statuses, count in [(None, 5), ([], 0), ([TaskStatus.FAILED, TaskStatus.QUEUED], 5)]:
        wanted = Rows.of(tasks.TASKS, account_id=family.account_id, statuses=statuses)
        assert await family.services.reader.counts(wanted) == [count]
