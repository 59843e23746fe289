"""What every object store promises about objects."""

import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.base import ObjectInfo, ObjectStore
from tests.objects.bodies import DATA, KEY, TYPE, add, begin, put, sha256, stored, upload

KEYS = ["a/1/x", "a/1/2/y", "a/10/x", "b/x"]
STRANGE = ["media/with space/a+b&c=d.mp4", "media/第一集.mp4", "media/%41~'(é)!*.mp4"]


async def keys(store: ObjectStore, prefix: str) -> list[str]:
    return sorted([found.key async for found in store.list(prefix)])


async def read(store: ObjectStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([block async for block in store.read(key, start, end)])


async def big(store: ObjectStore, folder: Path) -> None:
    made = folder / "big"
    made.write_bytes(DATA)
    await store.put_file(KEY, made, TYPE)


async def test_a_file_becomes_an_object(store: ObjectStore, tmp_path: Path) -> None:
    await big(store, tmp_path)
    assert await stored(store) == DATA


async def test_another_file_replaces_the_object(store: ObjectStore, tmp_path: Path) -> None:
    for data in (DATA, b"new"):
        made = tmp_path / "made"
        made.write_bytes(data)
        await store.put_file(KEY, made, TYPE)
    assert await stored(store) == b"new"


async def test_a_file_may_have_20_million_bytes(store: ObjectStore, tmp_path: Path) -> None:
    made, data = tmp_path / "made", os.urandom(20_000_000)
    made.write_bytes(data)
    await store.put_file(KEY, made, TYPE)
    assert await stored(store) == data
    assert [upload async for upload in store.uploads()] == []


async def test_a_file_may_be_empty(store: ObjectStore, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.touch()
    await store.put_file(KEY, made, TYPE)
    assert await stored(store) == b""
    assert await read(store, KEY) == b""
    assert (await store.stat(KEY)).size == 0


async def test_a_file_that_is_not_there_makes_no_object(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await store.put_file(KEY, tmp_path / "nothing", TYPE)
    assert await stored(store) is None


async def test_an_object_has_a_size_and_a_time(store: ObjectStore, tmp_path: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    await big(store, tmp_path)
    found = await store.stat(KEY)
    assert (found.key, found.size) == (KEY, len(DATA))
    assert before <= found.modified_at <= datetime.now(UTC) + timedelta(seconds=2)


async def test_an_object_is_read_from_one_byte_to_another(
    store: ObjectStore, tmp_path: Path
) -> None:
    await big(store, tmp_path)
    assert await read(store, KEY) == DATA
    assert await read(store, KEY, 5) == DATA[5:]
    assert await read(store, KEY, 5, 9) == DATA[5:9]
    assert await read(store, KEY, 900_000, 2_000_001) == DATA[900_000:2_000_001]
    assert await read(store, KEY, len(DATA) - 1) == DATA[-1:]
    assert await read(store, KEY, 5, 10 * len(DATA)) == DATA[5:]
    assert await read(store, KEY, 9, 9) == b""
    assert await read(store, KEY, len(DATA)) == b""
    assert await read(store, KEY, len(DATA) + 1, len(DATA) + 9) == b""


async def test_reading_can_end_early(store: ObjectStore, tmp_path: Path) -> None:
    await big(store, tmp_path)
    reading = store.read(KEY)
    first = await anext(reading)
    assert DATA.startswith(first)
    assert len(first) < len(DATA)
    await reading.aclose()
    assert await read(store, KEY) == DATA


async def test_ranges_of_an_object_are_read_at_once(store: ObjectStore, tmp_path: Path) -> None:
    await big(store, tmp_path)
    dice = random.Random(1)  # noqa: S311 - always the same
    starts = [0, len(DATA) - 65_536, *dice.sample(range(len(DATA) - 65_536), 14)]
    ranges = [range(start, start + 65_536) for start in starts]
    assert await store.read_ranges(KEY, ranges) == [DATA[r.start : r.stop] for r in ranges]
    assert await store.read_ranges(KEY, []) == []


async def test_a_range_lies_within_the_object(store: ObjectStore, tmp_path: Path) -> None:
    await add(store, tmp_path, "a/1")
    for outside in (range(2, 4), range(3, 4)):
        with pytest.raises(ValueError, match="not within"):
            await store.read_ranges("a/1", [range(1), outside])


async def test_the_digest_comes_with_the_file(store: ObjectStore, tmp_path: Path) -> None:
    await big(store, tmp_path)
    sizes: list[int] = []
    async with store.hashed_file(KEY, sizes.append) as hashed:
        assert hashed.sha256 == sha256(DATA)
        assert hashed.path.read_bytes() == DATA
    assert sum(sizes) == len(DATA)
    assert len(sizes) > 1


async def test_a_missing_object_is_not_found(store: ObjectStore, tmp_path: Path) -> None:
    await add(store, tmp_path, "a/1/x")
    for missing in ("a/1", "a/1/y", "a/1/x/z", "b"):
        with pytest.raises(FileNotFoundError):
            await store.stat(missing)
        with pytest.raises(FileNotFoundError):
            await read(store, missing)
        with pytest.raises(FileNotFoundError):
            await read(store, missing, 1, 2)
        with pytest.raises(FileNotFoundError):
            await store.read_ranges(missing, [range(1)])
        assert await stored(store, missing) is None
        with pytest.raises(FileNotFoundError):
            async with store.hashed_file(missing, lambda _: None):
                pass


async def test_objects_are_listed_by_the_beginning_of_their_keys(
    store: ObjectStore, tmp_path: Path
) -> None:
    await add(store, tmp_path, *KEYS)
    assert await keys(store, "") == sorted(KEYS)
    assert await keys(store, "a/") == ["a/1/2/y", "a/1/x", "a/10/x"]
    assert await keys(store, "a/1") == ["a/1/2/y", "a/1/x", "a/10/x"]
    assert await keys(store, "a/1/") == ["a/1/2/y", "a/1/x"]
    assert await keys(store, "unknown/") == []
    found = {found.key: found async for found in store.list("a/1/")}
    modified_at = (await store.stat("a/1/x")).modified_at
    assert abs(found["a/1/x"].modified_at - modified_at) < timedelta(seconds=1)
    assert found["a/1/x"] == ObjectInfo("a/1/x", 5, found["a/1/x"].modified_at)


async def test_uploads_are_no_objects(store: ObjectStore) -> None:
    await upload(store)
    assert await keys(store, "") == []


@pytest.mark.parametrize("key", STRANGE)
async def test_keys_may_have_any_letters(store: ObjectStore, tmp_path: Path, key: str) -> None:
    await add(store, tmp_path, key)
    assert await stored(store, key) == key.encode()
    assert await keys(store, "media/") == [key]
    assert await keys(store, key) == [key]
    assert await read(store, key, 1, 3) == key.encode()[1:3]
    ref = await begin(store, key, size=3)
    await put(store, ref, 1, b"new")
    await store.finish(ref)
    await store.delete([key])
    assert await keys(store, "") == []


async def test_a_deleted_object_is_gone(store: ObjectStore, tmp_path: Path) -> None:
    await add(store, tmp_path, "a/1", "a/2", "a/3")
    await store.delete(["a/1", "unknown", "a/3"])
    await store.delete([])
    assert [await stored(store, key) for key in ("a/1", "a/2", "a/3")] == [None, b"a/2", None]


async def test_all_objects_of_a_prefix_are_deleted(store: ObjectStore, tmp_path: Path) -> None:
    await add(store, tmp_path, *KEYS)
    await store.delete_all("a/1/")
    await store.delete_all("unknown/")
    assert await keys(store, "") == ["a/10/x", "b/x"]


@pytest.mark.parametrize("prefix", ["", "a", "a/1"])
async def test_a_prefix_ends_in_a_slash(store: ObjectStore, tmp_path: Path, prefix: str) -> None:
    """Else one backend would remove a folder and another one all its namesakes."""
    await add(store, tmp_path, "a/1/x")
    with pytest.raises(ValueError, match="prefix"):
        await store.delete_all(prefix)
    assert await stored(store, "a/1/x") == b"a/1/x"
