"""Making recommendations anew, from time to time."""

from typing import Any, LiteralString
from uuid import UUID

import psycopg

from db import recommendations as stored
from db.recommendations import Due
from jobs import recommendations, worker
from jobs.runs import Tools
from tests.support import factories
from tests.support.factories import Owner
from tests.support.recommending import published, watched

LONG_AGO = "update recommending set begun_at = now()"
"""What was changed until now is not new any more."""


async def due(tools: Tools) -> list[Due]:
    async with tools.db.read() as session:
        return await stored.due(session, limit=10)


def rows(wiper: psycopg.Connection, query: LiteralString) -> list[Any]:
    return wiper.execute(query).fetchall()


async def test_an_account_is_due_when_something_of_it_has_changed(
    tools: Tools, owner: Owner, wiper: psycopg.Connection
) -> None:
    other = await factories.owner(tools.db)
    video = await published(tools.db, owner.account, "a")
    assert [one.account_id for one in await due(tools)] == [owner.account.id]
    await published(tools.db, other.account, "a")
    assert len(await due(tools)) == 2
    assert await recommendations.recommend(tools) == 2
    wiper.execute(LONG_AGO)
    assert await due(tools) == []
    mine = [Due(owner.account.id, None)]
    touched: LiteralString = "update video set updated_at = now() where id = %s"
    moved: LiteralString = (
        "update category set updated_at = now()"
        " where id = (select category_id from video where id = %s)"
    )
    for change in (touched, moved):
        wiper.execute(change, [video.id])
        assert await due(tools) == mine
        await recommendations.recommend(tools)
        wiper.execute(LONG_AGO)
    await watched(tools.db, "1", video)
    assert await due(tools) == mine


async def test_what_changes_while_they_are_made_makes_them_due_again(
    tools: Tools, owner: Owner, wiper: psycopg.Connection
) -> None:
    videos = [await published(tools.db, owner.account, str(at)) for at in range(3)]
    async with tools.db.write() as session:
        reached = await stored.advance(session, Due(owner.account.id, None), size=2)
    assert reached == sorted(one.id for one in videos)[1]
    wiper.execute(LONG_AGO)
    wiper.execute("update video set updated_at = now()")
    assert await due(tools) == [Due(owner.account.id, reached)]
    await recommendations.recommend(tools, size=2)
    assert await due(tools) == [Due(owner.account.id, None)]


async def test_a_run_that_takes_too_long_is_gone_on_with_in_the_next(
    tools: Tools, owner: Owner, wiper: psycopg.Connection
) -> None:
    for at in range(5):
        await published(tools.db, owner.account, str(at))
    assert await recommendations.recommend(tools, seconds=0) == 0
    whole = "select video_id, rank, other_id, score, reasons from recommendation order by 1, 2"
    assert await recommendations.recommend(tools) == 1
    expected = rows(wiper, whole)
    assert len(expected) == 20
    wiper.execute("update recommending set begun_at = '-infinity'")
    assert await recommendations.recommend(tools, size=2) == 3
    assert rows(wiper, whole) == expected


async def test_what_is_gone_leaves_nothing_behind(
    tools: Tools, owner: Owner, wiper: psycopg.Connection
) -> None:
    videos = [await published(tools.db, owner.account, str(at)) for at in range(4)]
    await recommendations.recommend(tools)
    wiper.execute("delete from video where id = %s", [videos[0].id])
    wiper.execute("update video set status = 'deleted' where id = %s", [videos[1].id])
    wiper.execute("update video set updated_at = now()")
    await recommendations.recommend(tools, size=1)
    left = {videos[2].id, videos[3].id}
    found = rows(wiper, "select video_id, other_id from recommendation")
    assert {(one, other) for one, other in found} == {
        (one, other) for one in left for other in left - {one}
    }


async def test_at_most_fifty_are_kept_the_best_first(
    tools: Tools, owner: Owner, wiper: psycopg.Connection
) -> None:
    for at in range(60):
        await published(tools.db, owner.account, str(at), day=at, tags=["a"] * (at % 2))
    await recommendations.recommend(tools)
    found = rows(
        wiper,
        "select video_id, array_agg(rank order by rank), array_agg(score order by rank)"
        " from recommendation group by 1",
    )
    assert len(found) == 60
    for _, ranks, scores in found:
        assert ranks == list(range(1, 51))
        assert scores == sorted(scores, reverse=True)


async def test_old_videos_find_each_other_by_tags_category_and_title(
    tools: Tools, owner: Owner, wiper: psycopg.Connection
) -> None:
    """Among very many newer ones, which look the same to them."""
    pairs = {
        "tag": [await published(tools.db, owner.account, t, day=-999, tags=["z"]) for t in "ab"],
        "title": [
            await published(tools.db, owner.account, title, day=-999)
            for title in ("Zymurgy", "Zymurgy II")
        ],
        "plays": [await published(tools.db, owner.account, t, day=-999) for t in "cd"],
    }
    await watched(tools.db, "1", *pairs["plays"])
    for at in range(120):
        await published(tools.db, owner.account, f"{at}", day=at)
    await recommendations.recommend(tools)
    for name, (one, other) in pairs.items():
        assert other.id in ranked(wiper, one.id), name


def ranked(wiper: psycopg.Connection, id: UUID) -> list[UUID]:
    query = "select other_id from recommendation where video_id = %s order by rank"
    return [row[0] for row in wiper.execute(query, [id]).fetchall()]


async def test_the_duty_is_a_job_of_its_own_queue(
    tools: Tools, owner: Owner, wiper: psycopg.Connection
) -> None:
    for title in "ab":
        await published(tools.db, owner.account, title)
    await tools.queue.app.tasks["recommend"].defer_async(timestamp=0)
    kept = rows(wiper, "select queue_name, lock, queueing_lock from procrastinate_jobs")
    assert kept == [("recommend", "recommend", "recommend")]
    await worker.work_until_empty(tools)
    assert rows(wiper, "select count(*) from recommendation") == [(2,)]


async def test_what_all_watch_does_not_win_everywhere(
    tools: Tools, owner: Owner, wiper: psycopg.Connection
) -> None:
    hit, one, close = [await published(tools.db, owner.account, title) for title in "abc"]
    for at in range(60):
        await watched(tools.db, str(at), hit)
    for at in range(4):
        await watched(tools.db, str(at), one)
    for at in range(3):
        await watched(tools.db, str(at), close)
    await recommendations.recommend(tools)
    assert ranked(wiper, one.id) == [close.id, hit.id]


async def test_until_they_are_made_anew_those_of_before_are_there(
    tools: Tools, owner: Owner, wiper: psycopg.Connection
) -> None:
    for at in range(3):
        await published(tools.db, owner.account, str(at))
    await recommendations.recommend(tools)
    wiper.execute("update recommending set begun_at = '-infinity'")
    async with tools.db.write() as session:
        await stored.advance(session, Due(owner.account.id, None), size=1)
    assert rows(wiper, "select count(*) from recommendation") == [(6,)]
    begun = "select begun_at > now() - interval '10 minutes' from recommending"
    assert rows(wiper, begun) == [(True,)]
