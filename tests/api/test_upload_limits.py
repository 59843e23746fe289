"""Limits of uploads: each is in `limits`, and in the error that it causes."""

import asyncio
import os
from typing import Any

import psycopg
import pytest

from domain.uploads import GIB, UploadLimits
from tests.support import cancelling, uploading
from tests.support.api import Api
from tests.support.factories import Owner
from tests.support.possession import check, take_over
from tests.support.storing import stored
from tests.support.work import Work

LIMITS = """
{
  limits {
    maxFileSize maxSmallFileSize maxChunks minChunkSize maxChunkSize maxOpenUploadSessions
    storageQuota uploadSessionHours possessionSeconds maxBatchIds
    maxClipSegments minClipSegmentMs maxSplicedVideos maxVideoDurationMs
  }
}
"""
CREATE = """
mutation ($input: CreateUploadSessionInput!) {
  createUploadSession(input: $input) {
    uploadSession { id }
    userErrors { code path ... on LimitExceededError { limit actual } }
  }
}
"""
QUOTA = 1_000_000


@pytest.fixture
def quota(owner: Owner, wiper: psycopg.Connection) -> int:
    """The account may store a million bytes."""
    wiper.execute("update account set storage_quota = %s where id = %s", [QUOTA, owner.account.id])
    return QUOTA


async def create(api: Api, size: int, **input: Any) -> dict[str, Any]:
    values = {"title": "A", "sha256": os.urandom(32).hex(), "fileSize": size, **input}
    return (await api.run(CREATE, input=values))["createUploadSession"]


async def test_limits_are_told(anonymous: Api) -> None:
    assert (await anonymous.run(LIMITS))["limits"] == {
        "maxFileSize": 256 * GIB,
        "maxSmallFileSize": 64 << 20,
        "maxChunks": 10_000,
        "minChunkSize": 65_536,
        "maxChunkSize": 1 << 30,
        "maxOpenUploadSessions": 100,
        "storageQuota": None,
        "uploadSessionHours": 24,
        "possessionSeconds": 60,
        "maxBatchIds": 500,
        "maxClipSegments": 5,
        "minClipSegmentMs": 5_000,
        "maxSplicedVideos": 20,
        "maxVideoDurationMs": 43_200_000,
    }


async def test_twenty_sessions_at_once_do_not_pass_the_quota(api: Api, quota: int) -> None:
    size = 150_000
    payloads = await asyncio.gather(*(create(api, size) for _ in range(20)))
    opened = [one for one in payloads if one["uploadSession"]]
    assert len(opened) == quota // size
    for one in payloads:
        if not one["uploadSession"]:
            assert one["userErrors"] == [
                {
                    "code": "QUOTA_EXCEEDED",
                    "path": ["fileSize"],
                    "limit": quota,
                    "actual": 7 * size,
                }
            ]


async def test_a_cancelled_session_gives_its_room_back(api: Api, quota: int) -> None:
    id = (await create(api, quota))["uploadSession"]["id"]
    assert (await create(api, 1))["uploadSession"] is None
    await api.run(cancelling.SESSION, id=id)
    assert (await create(api, 1))["uploadSession"]


async def test_what_is_stored_counts_in_the_quota_once(
    api: Api, stranger: Api, quota: int, work: Work
) -> None:
    data = os.urandom(600_000)
    for _ in range(2):  # known to be the same because the digest is announced
        assert (await stored(api, data, sha256=uploading.sha256(data)))["userErrors"] == []
    account = (await api.run("{ viewer { storageUsed storageQuota } }"))["viewer"]
    assert account == {"storageUsed": 600_000, "storageQuota": quota}
    other = os.urandom(500_000)
    refused = await stored(api, other)
    assert refused["userErrors"][0]["code"] == "QUOTA_EXCEEDED"
    await stored(stranger, other)
    taken = await take_over(api, other)  # what is taken over costs as much as what is sent
    assert [error["code"] for error in taken["userErrors"]] == ["QUOTA_EXCEEDED"]
    assert (await take_over(api, data))["userErrors"] == []  # but it is here already
    await work()


async def test_objects_stored_at_once_do_not_pass_the_quota(api: Api, quota: int) -> None:
    files = [os.urandom(150_000) for _ in range(10)]
    payloads = await asyncio.gather(*(stored(api, one) for one in files))
    kept = [one for one in payloads if one["storedObject"]]
    assert len(kept) == quota // 150_000
    account = (await api.run("{ viewer { storageUsed } }"))["viewer"]
    assert account == {"storageUsed": len(kept) * 150_000}


async def test_an_account_has_so_many_open_sessions(api: Api) -> None:
    most = UploadLimits.open_sessions
    payloads = await asyncio.gather(*(create(api, 10) for _ in range(most + 5)))
    refused = [one["userErrors"] for one in payloads if not one["uploadSession"]]
    error = {"code": "LIMIT_EXCEEDED", "path": [], "limit": most, "actual": most + 1}
    assert refused == [[error]] * 5
    assert (await check(api, b"0" * 10))["resumable"] is None


async def test_a_piece_comes_by_tus_only(api: Api) -> None:
    refused = await create(api, 10, purpose="PARTIAL")
    assert refused["userErrors"] == [{"code": "INVALID_ARGUMENT", "path": ["purpose"]}]


@pytest.mark.parametrize(
    ("input", "limit"),
    [
        ({"fileSize": 256 * GIB + 1}, 256 * GIB),
        ({"fileSize": GIB, "chunkSize": 65_536}, 10_000),
        ({"fileSize": 4 * GIB, "chunkSize": GIB + 1}, GIB),
    ],
)
async def test_a_plan_above_a_limit_names_it(api: Api, input: dict[str, int], limit: int) -> None:
    payload = await create(api, input.pop("fileSize"), **input)
    assert payload["userErrors"][0]["code"] == "LIMIT_EXCEEDED"
    assert payload["userErrors"][0]["limit"] == limit


async def test_ten_thousand_chunks_are_possible(api: Api) -> None:
    session = await uploading.begin(
        api, b"0", fileSize=10_000 * 65_536, chunkSize=65_536, sha256="a" * 64
    )
    assert session["totalChunks"] == 10_000
    assert session["missingChunks"] == list(range(1, 10_001))


async def test_digests_of_chunks_may_be_announced(api: Api) -> None:
    data = os.urandom(70_000)
    chunks = [data[:65_536], data[65_536:]]
    digests = [uploading.sha256(one) for one in chunks]
    begun = await uploading.begin(api, data, chunkSize=65_536, chunkSha256=digests)
    wrong = await uploading.put(api, begun["id"], 1, bytes(65_536))
    assert (wrong.status_code, wrong.json()["code"]) == (400, "CHECKSUM_MISMATCH")
    other = uploading.checksum(bytes(65_536))
    contrary = await uploading.put(api, begun["id"], 1, bytes(65_536), **other)
    assert (contrary.status_code, contrary.json()["code"]) == (400, "CHECKSUM_MISMATCH")
    assert (await uploading.put(api, begun["id"], 1, chunks[0])).status_code == 200
    refused = await create(api, 70_000, chunkSize=65_536, chunkSha256=digests[:1])
    assert refused["userErrors"] == [{"code": "INVALID_ARGUMENT", "path": ["chunkSha256"]}]


async def test_speed_and_time_left_are_told(api: Api) -> None:
    data = os.urandom(2 * 65_536)
    begun = await uploading.begin(api, data, chunkSize=65_536, deviceType="WEB")
    query = """
      query ($id: ID!) { uploadSession(id: $id) { bytesPerSecond secondsLeft deviceType } }
    """
    told = (await api.run(query, id=begun["id"]))["uploadSession"]
    assert told == {"bytesPerSecond": None, "secondsLeft": None, "deviceType": "WEB"}
    await uploading.put(api, begun["id"], 1, data[:65_536])
    told = (await api.run(query, id=begun["id"]))["uploadSession"]
    assert 0 < told["bytesPerSecond"] <= 65_536 / 0.001
    assert told["secondsLeft"] == -(-65_536 // told["bytesPerSecond"])
    await uploading.put(api, begun["id"], 2, data[65_536:])
    assert (await api.run(query, id=begun["id"]))["uploadSession"]["secondsLeft"] == 0


async def test_sessions_are_found_by_the_device_they_came_from(api: Api) -> None:
    for device in ("WEB", "IOS"):
        await uploading.begin(api, os.urandom(10), deviceType=device)
    query = '{ uploadSessions(deviceType: ["IOS"]) { nodes { deviceType } totalCount } }'
    found = (await api.run(query))["uploadSessions"]
    assert found == {"nodes": [{"deviceType": "IOS"}], "totalCount": 1}
