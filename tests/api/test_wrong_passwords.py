"""Guessing passwords of shared videos: how often, and whose tries are counted together."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from db.models import Video
from domain.shares import MAX_WRONG_OF_ALL
from domain.videos import VideoStatus
from jobs import maintenance
from jobs.runs import Tools
from resolvers.context import Services
from schema import ids
from server import wiring
from server.app import create_app
from server.settings import Settings
from tests.support import factories
from tests.support.api import Api
from tests.support.serving import serving
from tests.support.shares import outcome, share, shared

WRONG = "SharePasswordWrong"
LOCKED = "ShareLocked"
RIGHT = "SharedVideo"
FIELDS = "{ __typename ... on SharePasswordWrong { attemptsLeft } ... on ShareLocked { retryAt } }"


@pytest.fixture
async def video(services: Services, owner: factories.Owner, api: Api) -> Video:
    """Its password is "right"."""
    made = await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)
    await share(api, made, "PASSWORD", "right")
    return made


def from_(api: Api, address: str) -> Api:
    """The same client, as if a proxy had passed it on from that address."""
    api.http.headers["x-forwarded-for"] = address
    return api


async def guess(api: Api, video: Video, *passwords: str) -> list[dict[str, Any]]:
    """All in one document, one alias each."""
    fields = [
        f'g{at}: sharedVideo(id: "{video.vid}", password: "{one}") {FIELDS}'
        for at, one in enumerate(passwords)
    ]
    found = await api.run(f"{{ {' '.join(fields)} }}")
    return [found[f"g{at}"] for at in range(len(passwords))]


def kinds(found: list[dict[str, Any]]) -> Counter[str]:
    return Counter(one["__typename"] for one in found)


def pass_time(wiper: psycopg.Connection, seconds: int) -> None:
    wiper.execute(
        "update password_attempt set attempted_at = attempted_at - make_interval(secs => %s)",
        [seconds],
    )


def recorded(wiper: psycopg.Connection) -> int:
    found = wiper.execute("select count(*) from password_attempt").fetchone()
    assert found is not None
    return found[0]


async def test_ten_wrong_ones_lock_the_caller_out_for_a_minute(
    anonymous: Api, video: Video, wiper: psycopg.Connection
) -> None:
    left = [(await shared(anonymous, video.vid, "wrong"))["attemptsLeft"] for _ in range(10)]
    assert left == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    for password in ("wrong", "right"):
        found = await shared(anonymous, video.vid, password)
        assert found["__typename"] == LOCKED
        retry_at = datetime.fromisoformat(found["retryAt"])
        assert timedelta(seconds=40) < retry_at - datetime.now(UTC) <= timedelta(seconds=60)
    assert recorded(wiper) == 10
    pass_time(wiper, 60)
    assert await shared(anonymous, video.vid, "wrong") == {"__typename": WRONG, "attemptsLeft": 9}
    assert await outcome(anonymous, video, "right") == RIGHT


async def test_each_wrong_one_counts_for_a_minute_of_its_own(
    anonymous: Api, video: Video, wiper: psycopg.Connection
) -> None:
    await guess(anonymous, video, *["wrong"] * 4)
    pass_time(wiper, 30)
    await guess(anonymous, video, *["wrong"] * 6)
    found = await shared(anonymous, video.vid, "right")
    assert found["__typename"] == LOCKED
    retry_in = datetime.fromisoformat(found["retryAt"]) - datetime.now(UTC)
    assert timedelta(seconds=15) < retry_in <= timedelta(seconds=30)
    pass_time(wiper, 30)
    assert (await shared(anonymous, video.vid, "wrong"))["attemptsLeft"] == 3


async def test_thirty_aliases_are_thirty_tries(
    anonymous: Api, video: Video, wiper: psycopg.Connection
) -> None:
    found = await guess(anonymous, video, *(f"guess {at}" for at in range(29)), "right")
    assert kinds(found) == {WRONG: 10, LOCKED: 20}
    assert sorted(one.get("attemptsLeft", -1) for one in found)[-10:] == list(range(10))
    assert found[-1]["__typename"] == LOCKED
    assert recorded(wiper) == 10


async def test_requests_at_the_same_time_are_as_many_tries(
    anonymous: Api, video: Video, settings: Settings, database_url: str
) -> None:
    """Also where several processes answer them."""
    async with (
        wiring.open_services(settings, database_url) as others,
        serving(create_app(others)) as url,
        Api(url, None) as elsewhere,
    ):
        callers = [anonymous, elsewhere] * 15
        found = await asyncio.gather(*(shared(one, video.vid, "wrong") for one in callers))
    assert kinds(found) == {WRONG: 10, LOCKED: 20}
    assert sorted(one.get("attemptsLeft", -1) for one in found)[-10:] == list(range(10))


async def test_a_right_one_between_is_answered_and_begins_anew(
    anonymous: Api, video: Video, wiper: psycopg.Connection
) -> None:
    await guess(from_(anonymous, "203.0.113.1"), video, *["wrong"] * 3)
    await guess(from_(anonymous, "203.0.113.2"), video, *["wrong"] * 9)
    assert await outcome(anonymous, video, "right") == RIGHT
    assert recorded(wiper) == 3
    assert (await shared(anonymous, video.vid, "wrong"))["attemptsLeft"] == 9
    from_(anonymous, "203.0.113.1")
    assert (await shared(anonymous, video.vid, "wrong"))["attemptsLeft"] == 6


async def test_tries_are_of_an_account_or_of_an_address(
    api: Api, stranger: Api, anonymous: Api, video: Video
) -> None:
    for caller, place in (
        (api, "203.0.113.1"),
        (stranger, "203.0.113.1"),
        (anonymous, "203.0.113.1"),
        (anonymous, "203.0.113.2"),
        (anonymous, "2001:db8:1:2::1"),
        (anonymous, "2001:db8:1:3::1"),
    ):
        assert (await shared(from_(caller, place), video.vid, "wrong"))["attemptsLeft"] == 9
    for caller, place in (
        (api, "203.0.113.77"),
        (stranger, "203.0.113.78"),
        (anonymous, "198.51.100.1, 203.0.113.2"),
        (anonymous, "2001:db8:1:2:ffff::9"),
    ):
        assert (await shared(from_(caller, place), video.vid, "wrong"))["attemptsLeft"] == 8


async def test_a_key_over_a_socket_counts_as_anywhere_else(api: Api, video: Video) -> None:
    assert (await shared(api, video.vid, "wrong"))["attemptsLeft"] == 9
    query = f'{{ sharedVideo(id: "{video.vid}", password: "wrong") {FIELDS} }}'
    async with api.socket() as socket:
        for id, left in (("1", 8), ("2", 7)):
            await socket.subscribe(id, query)
            answer = await socket.receive()
            assert answer["payload"]["data"]["sharedVideo"]["attemptsLeft"] == left
            assert (await socket.receive())["type"] == "complete"


async def test_videos_are_counted_by_themselves(
    anonymous: Api, api: Api, video: Video, services: Services, owner: factories.Owner
) -> None:
    other = await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)
    await share(api, other, "PASSWORD", "other")
    assert kinds(await guess(anonymous, video, *["wrong"] * 11)) == {WRONG: 10, LOCKED: 1}
    assert (await shared(anonymous, other.vid, "right"))["attemptsLeft"] == 9
    assert await outcome(anonymous, other, "other") == RIGHT


async def test_a_hundred_wrong_ones_lock_everybody_out(
    api: Api, anonymous: Api, video: Video, wiper: psycopg.Connection
) -> None:
    wiper.execute(
        "insert into password_attempt (id, video_id, caller)"
        " select gen_random_uuid(), %s, 'address:203.0.113.' || n / 10"
        " from generate_series(1, %s) n",
        [video.id, MAX_WRONG_OF_ALL - 3],
    )
    assert await outcome(anonymous, video, "right") == RIGHT
    found = await guess(anonymous, video, *["wrong"] * 8)
    assert kinds(found) == {WRONG: 3, LOCKED: 5}
    assert sorted(one.get("attemptsLeft", -1) for one in found)[-3:] == [0, 1, 2]
    for caller in (anonymous, api):
        assert await outcome(caller, video, "right") == LOCKED
    assert recorded(wiper) == MAX_WRONG_OF_ALL
    pass_time(wiper, 60)
    assert await outcome(api, video, "right") == RIGHT


async def test_a_try_is_counted_once_whatever_becomes_of_the_operation(
    anonymous: Api, api: Api, video: Video
) -> None:
    """Where something beside it fails, a query is begun anew the standard way: not this one."""
    guessed = f'sharedVideo(id: "{video.vid}", password: "wrong") {FIELDS}'
    id = ids.encode("Video", video.id)
    query = f'{{ viewer {{ name }} {guessed} node(id: "{id}") {{ id }} }}'
    for left in (9, 8):
        answer = (await anonymous.http.post("/graphql", json={"query": query})).json()
        assert [one["extensions"]["code"] for one in answer["errors"]] == ["UNAUTHENTICATED"]
        found = {"__typename": WRONG, "attemptsLeft": left}
        assert answer["data"] == {"viewer": None, "sharedVideo": found, "node": None}
    found = {"__typename": WRONG, "attemptsLeft": 9}
    expected = {"viewer": {"name": "Test"}, "sharedVideo": found, "node": {"id": id}}
    assert await api.run(query) == expected


async def test_nobody_looks_at_a_password_of_who_is_locked_out(
    anonymous: Api, video: Video, wiper: psycopg.Connection
) -> None:
    await guess(anonymous, video, *["wrong"] * 10)
    wiper.execute("update video set share_password_hash = 'nothing to compare with'")
    assert await outcome(anonymous, video, "right") == LOCKED


async def test_the_right_one_of_late_is_known_at_once_but_is_no_way_around_the_limits(
    anonymous: Api, api: Api, video: Video, wiper: psycopg.Connection, services: Services
) -> None:
    assert await outcome(anonymous, video, "right") == RIGHT
    async with services.passwords.turns, services.passwords.turns:  # nobody works one out now
        assert await outcome(anonymous, video, "right") == RIGHT
    await guess(anonymous, video, *["wrong"] * 10)
    assert await outcome(anonymous, video, "right") == LOCKED
    pass_time(wiper, 60)
    await share(api, video, "PASSWORD", "another")
    assert await outcome(anonymous, video, "right") == WRONG


async def test_no_password_is_no_try(anonymous: Api, video: Video) -> None:
    for _ in range(12):
        assert await outcome(anonymous, video) == "SharePasswordRequired"
    assert (await shared(anonymous, video.vid, "wrong"))["attemptsLeft"] == 9


async def test_what_is_too_long_to_be_a_password_is_wrong(anonymous: Api, video: Video) -> None:
    assert (await shared(anonymous, video.vid, "x" * 100_000))["attemptsLeft"] == 9


async def test_old_tries_are_forgotten(
    anonymous: Api, video: Video, tools: Tools, wiper: psycopg.Connection
) -> None:
    await guess(anonymous, video, "wrong", "wrong")
    pass_time(wiper, 61)
    await guess(anonymous, video, "wrong")
    await maintenance.forget_wrong_passwords(tools)
    assert recorded(wiper) == 1
