"""Owners say who may see a video without a key of theirs."""

import logging
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select

from db.models import Video
from domain.events import EventType
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from server import wiring
from server.app import create_app
from server.settings import Settings
from tests.support import factories
from tests.support.api import Api, OperationFailed
from tests.support.serving import serving
from tests.support.shares import change, outcome, share, shared
from tests.support.tables import events

SHARES = "{ videos { nodes { share { state hasPassword password } } } }"
ONE_BY_ONE = "{ videos { nodes { share { state hasPassword password } playback { hlsUrl } } } }"
READ = '密码 "1"'


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> Video:
    return await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)


@pytest.fixture
async def readable(
    services: Services, settings: Settings, database_url: str, owner: factories.Owner
) -> AsyncIterator[Api]:
    """The owner at a server whose operator lets owners read their passwords."""
    del services
    changed = settings.model_copy(update={"readable_share_passwords": True})
    async with (
        wiring.open_services(changed, database_url) as others,
        serving(create_app(others)) as url,
        Api(url, owner.api_key) as api,
    ):
        yield api


def of(state: str, *, has: bool = False, told: str | None = None) -> dict[str, object]:
    return {"state": state, "hasPassword": has, "password": told}


async def epoch(services: Services, video: Video) -> int:
    async with services.db.read() as session:
        return (await session.scalars(select(Video.epoch).where(Video.id == video.id))).one()


async def test_a_video_is_private_until_its_owner_shares_it(api: Api, video: Video) -> None:
    assert (await api.run(SHARES))["videos"]["nodes"] == [{"share": of("PRIVATE")}]
    assert await share(api, video, "PUBLIC") == of("PUBLIC")
    assert await share(api, video, "PASSWORD", "secret") == of("PASSWORD", has=True)
    assert (await api.run(SHARES))["videos"]["nodes"] == [{"share": of("PASSWORD", has=True)}]


async def test_a_password_is_kept_while_it_is_not_asked_for(
    api: Api, anonymous: Api, video: Video
) -> None:
    await share(api, video, "PASSWORD", "secret")
    assert await share(api, video, "PRIVATE") == of("PRIVATE", has=True)
    assert await outcome(anonymous, video, "secret") == "ShareNotAvailable"
    assert await share(api, video, "PASSWORD") == of("PASSWORD", has=True)
    assert await outcome(anonymous, video, "secret") == "SharedVideo"


async def test_a_state_that_asks_for_a_password_needs_one(api: Api, video: Video) -> None:
    found = await change(api, video, "PASSWORD", None)
    (error,) = found["userErrors"]
    assert (found["video"], error["code"], error["path"]) == (
        None,
        "INVALID_ARGUMENT",
        ["password"],
    )
    assert (await api.run(SHARES))["videos"]["nodes"] == [{"share": of("PRIVATE")}]


@pytest.mark.parametrize("state", ["PRIVATE", "PUBLIC"])
@pytest.mark.parametrize("password", ["secret", ""])
async def test_other_states_take_no_password(
    api: Api, video: Video, state: str, password: str
) -> None:
    (error,) = (await change(api, video, state, password))["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["password"])
    assert (await api.run(SHARES))["videos"]["nodes"] == [{"share": of("PRIVATE")}]


async def test_a_password_has_16_characters_at_most(api: Api, anonymous: Api, video: Video) -> None:
    (error,) = (await change(api, video, "PASSWORD", "😀" * 17))["userErrors"]
    assert error == {
        "__typename": "LimitExceededError",
        "code": "PASSWORD_TOO_LONG",
        "message": "The length of password is 17; the limit is 16.",
        "path": ["password"],
        "limit": 16,
        "actual": 17,
    }
    await share(api, video, "PASSWORD", "😀" * 16)
    assert await outcome(anonymous, video, "😀" * 16) == "SharedVideo"
    limits = await api.run("{ limits { maxSharePasswordLength } }")
    assert limits == {"limits": {"maxSharePasswordLength": 16}}


async def test_the_empty_password_is_one(api: Api, anonymous: Api, video: Video) -> None:
    assert await share(api, video, "PASSWORD", "") == of("PASSWORD", has=True)
    assert await outcome(anonymous, video) == "SharePasswordRequired"
    assert await outcome(anonymous, video, " ") == "SharePasswordWrong"
    assert await outcome(anonymous, video, "") == "SharedVideo"


@pytest.mark.parametrize(
    ("before", "after", "ends"),
    [
        (("PUBLIC", None), ("PRIVATE", None), 1),
        (("PUBLIC", None), ("PASSWORD", "one"), 1),
        (("PASSWORD", "one"), ("PRIVATE", None), 1),
        (("PASSWORD", "one"), ("PASSWORD", "two"), 1),
        (("PASSWORD", "one"), ("PASSWORD", "one"), 0),
        (("PASSWORD", "caf\u00e9"), ("PASSWORD", "cafe\u0301"), 0),
        (("PASSWORD", "one"), ("PASSWORD", None), 0),
        (("PASSWORD", "one"), ("PUBLIC", None), 0),
        (("PRIVATE", None), ("PASSWORD", "one"), 0),
        (("PRIVATE", None), ("PUBLIC", None), 0),
        (("PUBLIC", None), ("PUBLIC", None), 0),
    ],
)
async def test_links_end_when_fewer_may_see_it_or_the_password_is_another(
    api: Api,
    services: Services,
    video: Video,
    before: tuple[str, str | None],
    after: tuple[str, str | None],
    ends: int,
) -> None:
    await share(api, video, *before)
    former = await epoch(services, video)
    await share(api, video, *after)
    assert await epoch(services, video) - former == ends


async def test_a_change_is_one_event(api: Api, services: Services, video: Video) -> None:
    assert await events(services.db) == []
    await share(api, video, "PRIVATE")
    await change(api, video, "PASSWORD", None)
    await change(api, video, "PASSWORD", "x" * 17)
    assert await events(services.db) == []
    await share(api, video, "PASSWORD", "one")
    await share(api, video, "PASSWORD")
    assert await events(services.db) == [EventType.VIDEO_UPDATED]
    await share(api, video, "PASSWORD", "two")
    await share(api, video, "PUBLIC")
    assert await events(services.db) == [EventType.VIDEO_UPDATED] * 3


async def test_a_deleted_video_is_not_shared(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await factories.video(services.db, owner.account, status=VideoStatus.DELETED)
    (error,) = (await change(api, video, "PUBLIC", None))["userErrors"]
    assert (error["code"], error["currentState"]) == ("INVALID_STATE", "DELETED")


async def test_only_its_owner_shares_a_video(stranger: Api, anonymous: Api, video: Video) -> None:
    unknown = Video(id=uuid4())
    found = [await change(stranger, one, "PUBLIC", None) for one in (video, unknown)]
    assert found[0] == found[1]
    assert [one["code"] for one in found[0]["userErrors"]] == ["NOT_FOUND"]
    assert await outcome(anonymous, video) == "ShareNotAvailable"
    with pytest.raises(OperationFailed) as failure:
        await change(anonymous, video, "PUBLIC", None)
    assert failure.value.codes == ["UNAUTHENTICATED"]
    assert await outcome(anonymous, video) == "ShareNotAvailable"


async def test_owners_read_a_password_where_the_operator_allows_it(
    readable: Api, api: Api, stranger: Api, video: Video
) -> None:
    assert await share(readable, video, "PASSWORD", READ) == of("PASSWORD", has=True, told=READ)
    # By one statement, and object by object.
    for query in (SHARES, ONE_BY_ONE):
        (found,) = (await readable.run(query))["videos"]["nodes"]
        assert found["share"] == of("PASSWORD", has=True, told=READ)
    node = "query ($id: ID!) { node(id: $id) { ... on Video { share { password } } } }"
    id = ids.encode("Video", video.id)
    assert (await readable.run(node, id=id))["node"] == {"share": {"password": READ}}
    assert (await stranger.run(node, id=id))["node"] is None
    # Where the operator does not, or not any more, also what was kept is not told.
    assert (await api.run(SHARES))["videos"]["nodes"] == [{"share": of("PASSWORD", has=True)}]


async def test_what_was_set_while_nobody_might_read_it_stays_unread(
    readable: Api, api: Api, services: Services, video: Video
) -> None:
    await share(readable, video, "PASSWORD", "one")
    await share(api, video, "PASSWORD", "one")
    assert await share(readable, video, "PASSWORD") == of("PASSWORD", has=True)
    assert await epoch(services, video) == 0
    assert await share(readable, video, "PASSWORD", "one") == of("PASSWORD", has=True, told="one")


async def test_a_password_is_in_no_log_and_in_no_row_as_it_is(
    readable: Api,
    anonymous: Api,
    video: Video,
    wiper: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await share(readable, video, "PASSWORD", "Sesame-öffne")
    for password in ("Sesame-öffne", "Sesame-wrong", "Sesame" * 100):
        await outcome(anonymous, video, password)
    wiper.execute("alter table password_attempt rename to elsewhere")
    try:
        with pytest.raises(OperationFailed) as failure:
            await outcome(anonymous, video, "Sesame-broken")
    finally:
        wiper.execute("alter table elsewhere rename to password_attempt")
    assert failure.value.codes == ["INTERNAL"]
    assert "Sesame" not in str(failure.value)
    assert "internal error" in caplog.text
    mine = [one for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))]
    formatter = logging.Formatter()
    assert not [one for one in mine if "Sesame" in formatter.format(one)]
    for table in ("video", "event", "password_attempt"):
        rows = wiper.execute(f"select t::text from {table} t").fetchall()
        assert rows
        assert not [row for row in rows if "Sesame" in row[0] or "536573616d65" in row[0]]


async def test_asking_by_global_id_is_the_same(api: Api, anonymous: Api, video: Video) -> None:
    await share(api, video, "PUBLIC")
    found = await shared(anonymous, ids.encode("Video", video.id))
    assert found == {"__typename": "SharedVideo", "vid": video.vid, "title": "A video"}
