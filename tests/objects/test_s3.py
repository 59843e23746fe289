"""What a store in S3 does beside the contract: others send to it and fetch from it themselves."""

import os
import time
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from domain.errors import ChecksumMismatch, IncompleteBody
from storage import keys, spool
from storage.base import StoredPart, UploadRef
from storage.presign import Presigner
from storage.s3 import S3Store
from tests.objects.bodies import (
    CHUNKS,
    DATA,
    KEY,
    PART,
    TYPE,
    Dropped,
    add,
    begin,
    body,
    put,
    sha256,
    stored,
)
from tests.support import s3

MIB = 1 << 20


@pytest.fixture
def store(service: tuple[s3.S3Server, S3Store]) -> S3Store:
    return service[1]


async def ask(method: str, url: str, content: bytes | None = None) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.request(method, url, content=content)


async def send(store: S3Store, ref: UploadRef, number: int, content: bytes | None = None) -> int:
    """As a client does that knows nothing but the request; returns the status."""
    asked = store.part_request(ref, number, 60)
    assert asked.headers == ()
    return (await ask(asked.method, asked.url, content or CHUNKS[number])).status_code


@pytest.mark.parametrize("key", [KEY, "sources/第一集 (1)+&=é~.mp4"])
async def test_clients_send_parts_to_the_store_itself(store: S3Store, key: str) -> None:
    ref = await begin(store, key)
    assert await store.parts(ref) == []
    assert [await send(store, ref, number) for number in (3, 1)] == [200, 200]
    assert await store.parts(ref) == [StoredPart(1, PART), StoredPart(3, 5)]
    await put(store, ref, 2)
    assert [part.number for part in await store.parts(ref)] == [1, 2, 3]
    await store.finish(ref)
    assert await stored(store, key) == DATA


async def test_a_part_of_another_size_is_found_at_the_end(store: S3Store) -> None:
    ref = await begin(store)
    assert [await send(store, ref, number) for number in (1, 2)] == [200, 200]
    assert await send(store, ref, 3, b"four") == 200
    with pytest.raises(ValueError, match="part 3 of"):
        await store.finish(ref)
    assert await stored(store) is None
    assert await send(store, ref, 3) == 200
    await store.finish(ref)
    assert await stored(store) == DATA


@pytest.mark.parametrize("missing", [1, 2, 3])
async def test_every_part_must_be_there(store: S3Store, missing: int) -> None:
    ref = await begin(store)
    for number in {1, 2, 3} - {missing}:
        await put(store, ref, number)
    with pytest.raises(ValueError, match=f"part {missing} of"):
        await store.finish(ref)
    assert await stored(store) is None


async def test_nothing_is_stored_of_a_part_that_is_refused(store: S3Store) -> None:
    ref = await begin(store)
    with pytest.raises(ChecksumMismatch):
        await put(store, ref, 1, expected=sha256(b"other"))
    with pytest.raises(ChecksumMismatch):
        await put(store, ref, 1, CHUNKS[1], b"", expected=sha256(b"other"))
    with pytest.raises(IncompleteBody):
        await put(store, ref, 1, CHUNKS[1][:-1])
    with pytest.raises(IncompleteBody):
        await put(store, ref, 1, CHUNKS[1], b"x")
    with pytest.raises(Dropped):
        await store.write_part(ref, 1, body(CHUNKS[1], then=Dropped()), sha256=None)
    assert await store.parts(ref) == []


async def test_a_refused_part_leaves_the_one_before(store: S3Store) -> None:
    ref = await begin(store)
    for number in CHUNKS:
        await put(store, ref, number)
    with pytest.raises(ChecksumMismatch):
        await put(store, ref, 2, os.urandom(PART), expected=sha256(CHUNKS[2]))
    await store.finish(ref)
    assert await stored(store) == DATA


async def test_a_request_is_for_one_part_of_one_upload(store: S3Store, server: s3.S3Server) -> None:
    if server.name != "rclone":
        pytest.skip("it checks no signatures")
    ref, other = await begin(store), await begin(store, "other")
    url = store.part_request(ref, 1, 60).url
    for altered in (
        url.replace("partNumber=1", "partNumber=2"),
        url.replace(f"uploadId={ref.token}", f"uploadId={other.token}"),
        url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
    ):
        assert altered != url
        assert (await ask("PUT", altered, CHUNKS[1])).status_code == 403
    assert (await ask("GET", url)).status_code == 403
    assert [await store.parts(ref), await store.parts(other)] == [[], []]


async def test_a_page_of_another_server_may_send_parts(store: S3Store) -> None:
    """What a browser asks beforehand; on AWS the bucket's own rules say so."""
    ref = await begin(store)
    url = store.part_request(ref, 1, 60).url
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    async with httpx.AsyncClient() as client:
        answer = await client.options(url, headers=asked)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] in {"*", "https://a.example"}
        assert "PUT" in answer.headers["access-control-allow-methods"]


async def test_a_request_ends_with_its_time(store: S3Store, server: s3.S3Server) -> None:
    if server.name != "rclone":
        pytest.skip("it checks no expiry")
    ref = await begin(store)
    location = server.location
    presigner = Presigner(location.base(server.endpoint), location.region, s3.CREDENTIALS)
    key, query = f"{location.prefix}{KEY}", spool.part_query(ref, 1)
    over = presigner.url("PUT", key, 60, query=query, at=time.time() - 62)
    assert (await ask("PUT", over, CHUNKS[1])).status_code == 400  # S3 itself: 403
    assert await store.parts(ref) == []
    still = presigner.url("PUT", key, 60, query=query, at=time.time() - 30)
    assert (await ask("PUT", still, CHUNKS[1])).status_code == 200


async def test_players_fetch_objects_from_the_store_itself(
    store: S3Store, server: s3.S3Server, tmp_path: Path
) -> None:
    key = "media/第一集 1+1.mp4"
    await add(store, tmp_path, key)
    url = (await store.delivery(key, 60)).url
    answer = await ask("GET", url)
    assert (answer.status_code, answer.text) == (200, key)
    assert answer.headers["content-type"] == TYPE
    headers = {"content-type": "video/webm", "content-disposition": 'attachment; filename="a b"'}
    named = (await store.delivery(key, 60, headers=headers)).url
    assert "&response-content-disposition=attachment%3B%20filename%3D%22a%20b%22&" in named
    assert "&response-content-type=video%2Fwebm&" in named
    answer = await ask("GET", named)
    assert answer.text == key
    if server.name == "moto":  # only it answers as it is told to
        assert {name: answer.headers[name] for name in headers} == headers
    missing = (await store.delivery("media/unknown", 60)).url
    assert (await ask("GET", missing)).status_code == 404


async def test_what_only_asks_for_an_object_needs_a_place_of_its_own(
    store: S3Store, server: s3.S3Server, tmp_path: Path
) -> None:
    if server.name != "rclone":
        pytest.skip("it checks no signatures")
    await add(store, tmp_path, KEY)
    to_get = (await store.delivery(KEY, 60)).url
    to_ask = (await store.delivery(KEY, 60, method="HEAD")).url
    asked = await ask("HEAD", to_ask)
    assert (asked.status_code, asked.headers["content-length"]) == (200, str(len(KEY)))
    assert (await ask("HEAD", to_get)).status_code == 403
    assert (await ask("GET", to_ask)).status_code == 403


async def test_the_tail_of_a_whole_part_goes(store: S3Store) -> None:
    """Bytes that do not fill a part lie beside, as an object, and only as long as needed."""

    async def keep(_: int) -> None: ...

    async def tails() -> list[tuple[str, int]]:
        found = [one async for one in store.list("uploads/")]
        assert {keys.token_of_tail(one.key) for one in found} <= {ref.token}
        return [(one.key.rpartition("/")[2], one.size) for one in found]

    ref, at = await begin(store), 0
    expected = [[("1", 9)], [("1", 99)], [("2", 5)], []]
    for end, left in zip([9, 99, PART + 5, 2 * PART], expected, strict=True):
        await store.append(ref, at, body(DATA[at:end]), digest=None, keep=keep)
        assert await tails() == left
        at = end


async def test_memory_stays_flat_while_a_part_is_relayed(store: S3Store) -> None:
    size, block = 64 * MIB, os.urandom(MIB)

    async def blocks() -> AsyncIterator[bytes]:
        for number in range(size // 65_536):
            start = number * 65_536 % MIB
            yield block[start : start + 65_536]

    ref = await store.begin(KEY, size, size, TYPE)
    tracemalloc.start()
    try:
        digest = await store.write_part(ref, 1, blocks(), sha256=None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert digest == sha256(block * (size // MIB))
    assert peak < 4 * MIB


async def test_temporary_files_do_not_stay(server: s3.S3Server, tmp_path: Path) -> None:
    store = await S3Store.open(server.location, tmp_path / "workspace")
    await add(store, tmp_path, KEY)
    async with store.hashed_file(KEY, lambda _: None) as hashed:
        assert hashed.path.parent == tmp_path / "workspace"
    with pytest.raises(FileNotFoundError):
        async with store.object_file("unknown"):
            pass
    assert list((tmp_path / "workspace").iterdir()) == []
    await store.close()


async def test_more_objects_than_a_page_are_listed_and_deleted(tmp_path: Path) -> None:
    keys = [f"many/{number:04}" for number in range(1_100)]
    folder = tmp_path / s3.BUCKET / s3.PREFIX
    (folder / "many").mkdir(parents=True)
    for key in keys:
        (folder / key).touch()
    with s3.rclone(tmp_path) as server:
        store = await S3Store.open(server.location, tmp_path / "workspace")
        assert [found.key async for found in store.list("many/")] == keys
        await store.delete_all("many/")
        assert [found.key async for found in store.list("many/")] == []
        await store.close()
    assert not (folder / "many").exists()
