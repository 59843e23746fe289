"""The outbox: nothing is skipped, whatever the order in which transactions end."""

import asyncio
from uuid import UUID, uuid4

import pytest

from db import events
from db.events import Batch, Position
from db.session import Database
from domain.events import EventType, NewEvent, topic
from resolvers.context import Services

ACCOUNT, VIDEO = uuid4(), uuid4()
START = Position(0, 0)
ALL = list(EventType)


class Stopped(Exception):
    """The transaction is given up."""


@pytest.fixture
def db(services: Services) -> Database:
    return services.db


def ready(video: UUID = VIDEO, *, account: UUID = ACCOUNT) -> NewEvent:
    return NewEvent(EventType.PLAY_SET_READY, account, video_id=video, play_set_id=uuid4())


async def record(db: Database, *news: NewEvent) -> None:
    async with db.write() as session:
        await events.record(session, *news)


async def read(
    db: Database,
    position: Position = START,
    *,
    account: UUID = ACCOUNT,
    types: list[EventType] = ALL,
    video: UUID | None = None,
    limit: int = 100,
) -> Batch:
    async with db.read() as session:
        return await events.after(
            session, position, account_id=account, types=types, video_id=video, limit=limit
        )


def play_sets(batch: Batch) -> list[UUID | None]:
    return [event.play_set_id for event in batch.events]


async def test_an_event_is_read_as_it_was_recorded(db: Database) -> None:
    upload = uuid4()
    news = NewEvent(EventType.UPLOAD_COMPLETED, ACCOUNT, upload_session_id=upload, video_id=VIDEO)
    await record(db, news)
    batch = await read(db)
    (event,) = batch.events
    assert (event.type, event.account_id, event.upload_session_id, event.video_id) == (
        EventType.UPLOAD_COMPLETED,
        ACCOUNT,
        upload,
        VIDEO,
    )
    assert event.play_set_id is None
    assert not batch.late


async def test_events_are_read_in_the_order_of_their_transactions(db: Database) -> None:
    news = [ready() for _ in range(5)]
    await record(db, *news[:2])
    await record(db, *news[2:])
    assert play_sets(await read(db)) == [one.play_set_id for one in news]


async def test_reading_goes_on_after_a_position(db: Database) -> None:
    news = [ready() for _ in range(5)]
    await record(db, *news)
    first = await read(db, limit=2)
    assert play_sets(first) == [one.play_set_id for one in news[:2]]
    second = await read(db, Position.of(first.events[-1]), limit=2)
    assert play_sets(second) == [one.play_set_id for one in news[2:4]]
    third = await read(db, Position.of(second.events[-1]), limit=2)
    assert play_sets(third) == [news[4].play_set_id]
    assert play_sets(await read(db, Position.of(third.events[-1]))) == []


async def test_an_event_is_there_only_when_its_transaction_commits(db: Database) -> None:
    with pytest.raises(Stopped):
        await record_and_stop(db)
    assert play_sets(await read(db)) == []


async def record_and_stop(db: Database) -> None:
    async with db.write() as session:
        await events.record(session, ready())
        raise Stopped


async def test_a_transaction_that_commits_late_is_not_skipped(db: Database) -> None:
    slow, fast = ready(), ready()
    async with db.write() as session:
        await events.record(session, slow)
        await record(db, fast)
        meanwhile = await read(db)
        assert play_sets(meanwhile) == []  # else a reader's position would pass the slow one
        assert meanwhile.late
    batch = await read(db)
    assert play_sets(batch) == [slow.play_set_id, fast.play_set_id]
    assert not batch.late


async def test_what_is_before_a_running_transaction_is_read_at_once(db: Database) -> None:
    before, slow, fast = ready(), ready(), ready()
    await record(db, before)
    async with db.write() as session:
        await events.record(session, slow)
        await record(db, fast)
        batch = await read(db)
        assert (play_sets(batch), batch.late) == ([before.play_set_id], True)
    rest = await read(db, Position.of(batch.events[-1]))
    assert play_sets(rest) == [slow.play_set_id, fast.play_set_id]


async def test_many_writers_at_once_are_all_read_once(db: Database) -> None:
    news = [ready() for _ in range(40)]
    found: list[UUID | None] = []

    async def follow() -> None:
        position = START
        while len(found) < len(news):
            batch = await read(db, position, limit=3)
            found.extend(play_sets(batch))
            position = Position.of(batch.events[-1]) if batch.events else position

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(follow())
        for one in news:
            group.create_task(record(db, one))
    assert sorted(map(str, found)) == sorted(str(one.play_set_id) for one in news)


async def test_only_the_own_account_is_read(db: Database) -> None:
    other = ready(account=uuid4())
    await record(db, ready(), other)
    assert play_sets(await read(db, account=other.account_id)) == [other.play_set_id]


async def test_only_the_wanted_types_are_read(db: Database) -> None:
    await record(db, ready(), NewEvent(EventType.VIDEO_READY, ACCOUNT, video_id=VIDEO))
    batch = await read(db, types=[EventType.VIDEO_READY])
    assert [event.type for event in batch.events] == [EventType.VIDEO_READY]


async def test_only_the_wanted_video_is_read(db: Database) -> None:
    other = ready(uuid4())
    await record(db, ready(), other)
    assert play_sets(await read(db, video=other.video_id)) == [other.play_set_id]


async def test_another_accounts_late_event_is_not_waited_for(db: Database) -> None:
    async with db.write() as session:
        await events.record(session, ready(account=uuid4()))
        assert not (await read(db)).late


async def test_the_end_is_after_everything_that_happened(db: Database) -> None:
    await record(db, ready())
    async with db.read() as session:
        end = await events.end(session)
    assert play_sets(await read(db, end)) == []
    later = ready()
    await record(db, later)
    assert play_sets(await read(db, end)) == [later.play_set_id]


async def test_what_is_not_committed_yet_is_after_the_end(db: Database) -> None:
    slow = ready()
    async with db.write() as session:
        await events.record(session, slow)
        async with db.read() as reading:
            end = await events.end(reading)
    assert play_sets(await read(db, end)) == [slow.play_set_id]


async def test_an_event_wakes_who_watches_its_subjects(services: Services) -> None:
    upload = uuid4()
    news = NewEvent(EventType.UPLOAD_FAILED, ACCOUNT, upload_session_id=upload)
    for subject in (topic("upload", upload), topic("account", ACCOUNT)):
        async with services.bus.subscribe(subject) as subscription, asyncio.timeout(5):
            await record(services.db, news)
            await subscription.changed()
    async with services.bus.subscribe(topic("video", VIDEO)) as subscription, asyncio.timeout(5):
        await record(services.db, ready())
        await subscription.changed()


async def test_nobody_is_woken_before_the_commit(services: Services) -> None:
    """The watcher would read the old state and then sleep."""
    subject = topic("video", VIDEO)
    async with services.bus.subscribe(subject, "marker") as subscription:
        async with services.db.write() as session:
            await events.record(session, ready())
            async with services.bus.subscribe("marker") as marker:
                async with services.db.write() as other:
                    await events.wake(other, "marker")
                await marker.changed()  # so notifications of the past have arrived
                await subscription.changed()
            early = asyncio.create_task(subscription.changed())
            await asyncio.wait([early], timeout=0)
            assert not early.done()
        async with asyncio.timeout(5):
            await early


async def test_every_topic_is_woken(services: Services) -> None:
    async with (
        services.bus.subscribe("one") as one,
        services.bus.subscribe("two") as two,
        asyncio.timeout(5),
    ):
        async with services.db.write() as session:
            await events.wake(session, "two", "one", "two")
        await one.changed()
        await two.changed()
