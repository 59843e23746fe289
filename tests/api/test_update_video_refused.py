"""What cannot be said of a video, and who cannot say it."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from db.models import Video
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support.api import Api, OperationFailed
from tests.support.tables import events
from tests.support.templating import category
from tests.support.updating import change, shown


@pytest.mark.parametrize(
    "input", [{"title": None}, {"player": {"aspectRatio": None}}, {"player": {"autoPlay": None}}]
)
async def test_what_every_video_has_cannot_be_null(
    api: Api, services: Services, published_id: str, input: dict[str, Any]
) -> None:
    with pytest.raises(OperationFailed) as refused:
        await change(api, published_id, **input)
    assert refused.value.codes == ["BAD_USER_INPUT"]
    assert await events(services.db) == []


LIMITS: dict[str, tuple[dict[str, Any], list[str], int, int]] = {
    "title": ({"title": "t" * 256}, ["title"], 255, 256),
    "description": ({"description": "d" * 5_001}, ["description"], 5_000, 5_001),
    "tags": ({"tags": ["a"] * 51}, ["tags"], 50, 51),
    "tag": ({"tags": ["a", "b" * 65]}, ["tags", "1"], 64, 65),
    "phone": ({"ownerPhone": "1" * 33}, ["ownerPhone"], 32, 33),
    "domain": ({"publishDomain": "a." * 127}, ["publishDomain"], 253, 254),
    "player": ({"player": {"id": "i" * 65}}, ["player", "id"], 64, 65),
    "player name": ({"player": {"name": "n" * 256}}, ["player", "name"], 255, 256),
}


@pytest.mark.parametrize("name", LIMITS)
async def test_a_limit_is_named(api: Api, services: Services, published_id: str, name: str) -> None:
    input, path, limit, actual = LIMITS[name]
    before = await shown(api, published_id)
    payload = await change(api, published_id, **{"title": "Not this", **input})
    (error,) = payload["userErrors"]
    assert (payload["video"], error["code"], error["path"]) == (None, "LIMIT_EXCEEDED", path)
    assert (error["limit"], error["actual"]) == (limit, actual)
    assert await shown(api, published_id) == before
    assert await events(services.db) == []


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "empty title": ({"title": " "}, ["title"]),
    "empty tag": ({"tags": ["a", "  "]}, ["tags", "1"]),
    "nul": ({"tags": ["a\0b"]}, ["tags", "0"]),
    "letters in a phone": ({"ownerPhone": "CALL ME 1"}, ["ownerPhone"]),
    "no digits in a phone": ({"ownerPhone": "+-()"}, ["ownerPhone"]),
    "lines in a phone": ({"ownerPhone": "1\n2"}, ["ownerPhone"]),
    "a URL": ({"publishDomain": "https://example.com"}, ["publishDomain"]),
    "a port": ({"publishDomain": "example.com:80"}, ["publishDomain"]),
    "a path": ({"publishDomain": "example.com/a"}, ["publishDomain"]),
    "an address": ({"publishDomain": "127.0.0.1"}, ["publishDomain"]),
    "an IPv6 address": ({"publishDomain": "::1"}, ["publishDomain"]),
    "hyphens": ({"publishDomain": "-a.example"}, ["publishDomain"]),
    "an empty label": ({"publishDomain": "a..example"}, ["publishDomain"]),
    "no international name": ({"publishDomain": "a\u200d.example"}, ["publishDomain"]),
    "too long for a label": ({"publishDomain": "a" * 64}, ["publishDomain"]),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_cannot_be_stored_is_refused(
    api: Api, services: Services, published_id: str, name: str
) -> None:
    input, path = WRONG[name]
    before = await shown(api, published_id)
    payload = await change(api, published_id, **{"description": "Not this", **input})
    (error,) = payload["userErrors"]
    assert (payload["video"], error["code"], error["path"]) == (None, "INVALID_ARGUMENT", path)
    assert await shown(api, published_id) == before
    assert await events(services.db) == []


async def test_a_category_must_be_ones_own(
    api: Api, stranger: Api, services: Services, published_id: str
) -> None:
    theirs = (await category(stranger))["id"]
    for wrong in (theirs, ids.encode("Category", uuid4()), published_id, ""):
        payload = await change(api, published_id, categoryId=wrong, title="Not this")
        (error,) = payload["userErrors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["categoryId"])
    assert (await shown(api, published_id))["title"] == "A video"
    assert await events(services.db) == []


async def test_only_the_owner_changes(
    api: Api, stranger: Api, anonymous: Api, services: Services, published_id: str
) -> None:
    before = await shown(api, published_id)
    unknown = ids.encode("Video", uuid4())
    for id in (published_id, unknown, "x"):
        for input in ({"title": "Mine"}, {"cover": {"atMs": 0}}):
            (error,) = (await change(stranger, id, **input))["userErrors"]
            assert (error["code"], error["path"], error["ids"]) == ("NOT_FOUND", ["id"], [id])
            assert error["message"] == "There is no Video with this id."
        with pytest.raises(OperationFailed) as refused:
            await change(anonymous, id, title="Mine")
        assert refused.value.codes == ["UNAUTHENTICATED"]
    assert await shown(api, published_id) == before
    assert await events(services.db) == []


@pytest.mark.parametrize("status", VideoStatus)
async def test_only_the_recycle_bin_keeps_from_changing(
    api: Api, services: Services, published_id: str, status: VideoStatus
) -> None:
    async with services.db.write() as session:
        await session.execute(update(Video).values(status=status))
    payload = await change(api, published_id, title="Now")
    if status is not VideoStatus.DELETED:
        assert (payload["video"]["title"], payload["userErrors"]) == ("Now", [])
        return
    (error,) = payload["userErrors"]
    assert (error["code"], error["currentState"], error["path"]) == (
        "INVALID_STATE",
        "DELETED",
        ["id"],
    )
    assert "DELETED" not in error["allowedStates"]
    assert await events(services.db) == []
