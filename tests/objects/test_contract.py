"""What every object store promises: the same facts for each backend."""

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from domain.errors import ChecksumMismatch, IncompleteBody, PartBusy, StorageFull
from storage.base import LocalFile, ObjectStore, PartTarget
from storage.local import LocalStore

PART = 300_000
DATA = os.urandom(2 * PART + 5)
CHUNKS = {1: DATA[:PART], 2: DATA[PART : 2 * PART], 3: DATA[2 * PART :]}
KEY = "sources/ab/cd/object.1"


@pytest.fixture(params=["local"])
async def store(tmp_path: Path) -> AsyncGenerator[ObjectStore]:
    local = LocalStore(tmp_path / "store")
    yield local
    await local.close()


def target(number: int, upload: str = "upload") -> PartTarget:
    return PartTarget(upload, number, (number - 1) * PART, len(CHUNKS[number]))


async def body(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def put(store: ObjectStore, number: int, *blocks: bytes, expected: str | None = None) -> str:
    async with store.part(target(number)) as part:
        return await part.write(body(*(blocks or (CHUNKS[number],))), sha256=expected)


async def upload(store: ObjectStore) -> None:
    await store.begin("upload", len(DATA))
    for number in CHUNKS:
        await put(store, number)


async def content(store: ObjectStore) -> bytes:
    """What has been uploaded so far."""
    async with store.upload_file("upload") as path:
        return path.read_bytes()


async def stored(store: ObjectStore, key: str = KEY) -> bytes | None:
    """The object's bytes; None when there is none."""
    try:
        async with store.object_file(key) as path:
            return path.read_bytes()
    except FileNotFoundError:
        return None


async def digest(store: ObjectStore) -> str:
    return await store.digest("upload", lambda _: None)


async def test_parts_in_any_order_make_the_file(store: ObjectStore) -> None:
    await store.begin("upload", len(DATA))
    for number in (3, 1, 2):
        assert await put(store, number) == sha256(CHUNKS[number])
    assert await content(store) == DATA
    assert await digest(store) == sha256(DATA)


async def test_parts_written_at_once_make_the_file(store: ObjectStore) -> None:
    await store.begin("upload", len(DATA))
    await asyncio.gather(*(put(store, number) for number in CHUNKS))
    assert await content(store) == DATA


@pytest.mark.parametrize("size", [1_000, 65_536, 262_144, 299_999, PART])
async def test_a_part_may_come_in_blocks_of_any_size(store: ObjectStore, size: int) -> None:
    await store.begin("upload", len(DATA))
    blocks = [CHUNKS[2][at : at + size] for at in range(0, PART, size)]
    assert await put(store, 2, *blocks, expected=sha256(CHUNKS[2])) == sha256(CHUNKS[2])
    assert (await content(store))[PART : 2 * PART] == CHUNKS[2]


async def test_a_part_can_be_replaced(store: ObjectStore) -> None:
    await upload(store)
    other = os.urandom(PART)
    assert await put(store, 2, other) == sha256(other)
    assert await content(store) == CHUNKS[1] + other + CHUNKS[3]


@pytest.mark.parametrize("length", [0, 1, PART - 1])
async def test_a_body_that_is_too_short_is_refused(store: ObjectStore, length: int) -> None:
    await store.begin("upload", len(DATA))
    with pytest.raises(IncompleteBody) as failure:
        await put(store, 1, CHUNKS[1][:length])
    assert (failure.value.expected, failure.value.actual) == (PART, length)


async def test_a_body_that_is_too_long_does_not_touch_the_next_part(store: ObjectStore) -> None:
    await upload(store)
    with pytest.raises(IncompleteBody) as failure:
        await put(store, 1, CHUNKS[1], b"x")
    assert (failure.value.expected, failure.value.actual) == (PART, PART + 1)
    assert (await content(store))[PART:] == DATA[PART:]


async def test_a_body_with_another_checksum_is_refused(store: ObjectStore) -> None:
    await store.begin("upload", len(DATA))
    with pytest.raises(ChecksumMismatch) as failure:
        await put(store, 1, expected=sha256(b"other"))
    assert failure.value.expected == sha256(b"other")
    assert failure.value.actual == sha256(CHUNKS[1])


async def test_a_refused_part_can_be_sent_again(store: ObjectStore) -> None:
    await upload(store)
    with pytest.raises(ChecksumMismatch):
        await put(store, 2, os.urandom(PART), expected=sha256(CHUNKS[2]))
    await put(store, 2)
    assert await digest(store) == sha256(DATA)


async def test_a_part_that_is_being_written_is_busy(store: ObjectStore) -> None:
    await store.begin("upload", len(DATA))
    async with store.part(target(2)):
        with pytest.raises(PartBusy, match="Part 2 is being written"):
            await put(store, 2)
        await put(store, 1)
        await put(store, 3)
    await put(store, 2)
    assert await content(store) == DATA


async def test_a_part_is_free_after_its_writer_was_cancelled(store: ObjectStore) -> None:
    await store.begin("upload", len(DATA))
    reading = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield CHUNKS[2]
        reading.set()
        await asyncio.get_running_loop().create_future()

    async def write() -> None:
        async with store.part(target(2)) as part:
            await part.write(endless(), sha256=None)

    writing = asyncio.create_task(write())
    await reading.wait()
    writing.cancel()
    await asyncio.wait([writing])
    assert await put(store, 2) == sha256(CHUNKS[2])


async def test_uploads_do_not_share_their_parts(store: ObjectStore) -> None:
    await store.begin("upload", len(DATA))
    await store.begin("other", len(DATA))
    async with store.part(target(1, "other")) as part:
        await part.write(body(bytes(PART)), sha256=None)
        await put(store, 1)
    assert (await content(store))[:PART] == CHUNKS[1]


async def test_beginning_again_keeps_the_parts(store: ObjectStore) -> None:
    await upload(store)
    await store.begin("upload", len(DATA))
    assert await content(store) == DATA


async def test_an_upload_that_cannot_fit_is_refused(store: ObjectStore) -> None:
    with pytest.raises(StorageFull):
        await store.begin("upload", 1 << 62)
    with pytest.raises(FileNotFoundError):
        await digest(store)


async def test_an_unknown_upload_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(FileNotFoundError):
        await put(store, 1)
    with pytest.raises(FileNotFoundError):
        await digest(store)
    with pytest.raises(FileNotFoundError):
        await content(store)
    with pytest.raises(FileNotFoundError):
        await store.finish("upload", KEY)
    assert await stored(store) is None


async def test_the_digest_tells_how_far_it_has_read(store: ObjectStore) -> None:
    await upload(store)
    sizes: list[int] = []
    await store.digest("upload", sizes.append)
    assert sum(sizes) == len(DATA)


async def test_a_finished_upload_is_an_object(store: ObjectStore) -> None:
    await upload(store)
    assert await stored(store) is None
    await store.finish("upload", KEY)
    assert await stored(store) == DATA


async def test_finishing_again_changes_nothing(store: ObjectStore) -> None:
    await upload(store)
    await store.finish("upload", KEY)
    await store.finish("upload", KEY)
    assert await stored(store) == DATA
    assert await content(store) == DATA


async def test_the_object_outlives_its_upload(store: ObjectStore) -> None:
    await upload(store)
    await store.finish("upload", KEY)
    await store.abort("upload")
    assert await stored(store) == DATA
    with pytest.raises(FileNotFoundError):
        await digest(store)


async def test_an_aborted_upload_is_gone(store: ObjectStore) -> None:
    await upload(store)
    await store.abort("upload")
    await store.abort("upload")
    with pytest.raises(FileNotFoundError):
        await put(store, 1)


async def test_a_file_becomes_an_object(store: ObjectStore, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_bytes(DATA)
    await store.put_file(KEY, made)
    assert await stored(store) == DATA


async def test_another_file_replaces_the_object(store: ObjectStore, tmp_path: Path) -> None:
    for data in (DATA, b"new"):
        made = tmp_path / "made"
        made.write_bytes(data)
        await store.put_file(KEY, made)
    assert await stored(store) == b"new"


async def test_a_file_that_is_not_there_makes_no_object(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await store.put_file(KEY, tmp_path / "nothing")
    assert await stored(store) is None


async def test_an_object_is_delivered_from_where_it_is(store: ObjectStore, tmp_path: Path) -> None:
    await add(store, tmp_path, KEY)
    delivery = await store.delivery(KEY)
    assert isinstance(delivery, LocalFile)
    assert delivery.path.read_bytes() == KEY.encode()


async def test_a_deleted_object_is_gone(store: ObjectStore, tmp_path: Path) -> None:
    await add(store, tmp_path, "a/1", "a/2", "a/3")
    await store.delete(["a/1", "unknown", "a/3"])
    assert [await stored(store, key) for key in ("a/1", "a/2", "a/3")] == [None, b"a/2", None]


async def test_all_objects_of_a_prefix_are_deleted(store: ObjectStore, tmp_path: Path) -> None:
    await add(store, tmp_path, "a/1/x", "a/1/2/y", "a/10/x", "b/x")
    await store.delete_all("a/1/")
    await store.delete_all("unknown/")
    found = {key: await stored(store, key) for key in ("a/1/x", "a/1/2/y", "a/10/x", "b/x")}
    assert found == {"a/1/x": None, "a/1/2/y": None, "a/10/x": b"a/10/x", "b/x": b"b/x"}


@pytest.mark.parametrize("prefix", ["", "a", "a/1"])
async def test_a_prefix_ends_in_a_slash(store: ObjectStore, tmp_path: Path, prefix: str) -> None:
    """Else one backend would remove a folder and another one all its namesakes."""
    await add(store, tmp_path, "a/1/x")
    with pytest.raises(ValueError, match="prefix"):
        await store.delete_all(prefix)
    assert await stored(store, "a/1/x") == b"a/1/x"


async def add(store: ObjectStore, folder: Path, *keys: str) -> None:
    """Objects that contain their own keys."""
    for key in keys:
        (folder / "made").write_text(key)
        await store.put_file(key, folder / "made")
