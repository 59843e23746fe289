"""Objects on a local disk: full disks, keys that lead elsewhere, and threads that go on."""

import asyncio
import os
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from domain.errors import StorageFull
from storage.base import UploadRef
from storage.local import LocalStore
from tests.objects.bodies import KEY, TYPE, add, body, stored

MIB = 1 << 20
HALF = MIB // 2


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[LocalStore]:
    local = LocalStore(tmp_path / "store")
    yield local
    await local.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system with room for one mebibyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount, and not everywhere")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 - wherever it is


async def begin_larger(store: LocalStore, size: int, part_size: int) -> UploadRef:
    """An upload that is larger than the room for it, as when others took the room since."""
    return replace(await store.begin(KEY, 1, part_size, TYPE), size=size)


async def put(store: LocalStore, ref: UploadRef, number: int) -> str:
    return await store.write_part(ref, number, body(bytes(ref.length(number))), sha256=None)


def files(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


async def test_parts_come_to_the_server(store: LocalStore) -> None:
    ref = await store.begin(KEY, MIB, MIB, TYPE)
    await put(store, ref, 1)
    assert store.part_request(ref, 1, 60) is None
    assert await store.parts(ref) == []
    assert store.least_part == 65_536


async def test_an_object_is_delivered_from_where_it_is(store: LocalStore, tmp_path: Path) -> None:
    await add(store, tmp_path, KEY)
    delivery = await store.delivery(KEY, 60)
    assert delivery.path.read_bytes() == KEY.encode()


async def test_a_cancelled_writer_writes_nowhere_afterwards(tmp_path: Path) -> None:
    """Its descriptor's number may belong to another file by then."""
    store = LocalStore(tmp_path / "store", threads=1)
    blocks = [bytes(1_000), bytes(64 * MIB)]  # one batch; hashing the second takes a while
    length = sum(map(len, blocks))
    ref = await store.begin(KEY, length, length, TYPE)
    writing = asyncio.create_task(store.write_part(ref, 1, body(*blocks), sha256=None))
    while (tmp_path / "store/uploads" / ref.token).stat().st_size == 0:  # noqa: ASYNC110 - a thread writes
        await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing])
    assert writing.cancelled()
    with ExitStack() as stack:
        others = [stack.enter_context(TemporaryFile(dir=tmp_path)) for _ in range(50)]
        await store.begin("next", 1, 1, TYPE)  # the one thread has done all that came before
        assert {os.fstat(other.fileno()).st_size for other in others} == {0}
    await store.close()


async def test_a_cancelled_digest_stops_reading(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, threads=1)
    (tmp_path / "objects/endless").touch()
    os.truncate(tmp_path / "objects/endless", 1 << 40)  # all holes: it needs no room
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard(_: int) -> None:
        loop.call_soon_threadsafe(begun.set)

    async def digest() -> None:
        async with store.hashed_file("endless", heard):
            pass

    hashing = asyncio.create_task(digest())
    await begun.wait()
    hashing.cancel()
    async with asyncio.timeout(5):
        await store.begin("next", 1, 1, TYPE)  # the one thread is free again
    await asyncio.wait([hashing])
    await store.close()


async def test_a_part_for_which_there_is_no_room_is_refused(small_disk: Path) -> None:
    store = LocalStore(small_disk)
    ref = await begin_larger(store, 2 * MIB, HALF)
    first = await put(store, ref, 1)
    with pytest.raises(StorageFull):
        await store.write_part(replace(ref, part_size=MIB), 2, body(bytes(MIB)), sha256=None)
    uploaded = small_disk / "uploads" / ref.token
    assert uploaded.read_bytes()[:HALF] == bytes(HALF)
    os.truncate(uploaded, HALF)
    assert await put(store, ref, 1) == first  # there is room for what was there before
    await store.close()


async def test_bytes_are_kept_until_the_disk_is_full(small_disk: Path) -> None:
    store, kept = LocalStore(small_disk), list[int]()

    async def keep(offset: int) -> None:
        kept.append(offset)

    ref = await begin_larger(store, 2 * MIB, HALF)
    blocks = [os.urandom(300_000) for _ in range(6)]
    with pytest.raises(StorageFull):
        await store.append(ref, 0, body(*blocks), digest=None, keep=keep)
    assert kept == [900_000]
    uploaded = (small_disk / "uploads" / ref.token).read_bytes()
    assert uploaded[:900_000] == b"".join(blocks[:3])
    await store.close()


async def test_an_upload_larger_than_the_room_is_refused(small_disk: Path) -> None:
    store = LocalStore(small_disk)
    with pytest.raises(StorageFull):
        await store.begin(KEY, MIB + 1, MIB, TYPE)
    ref = await store.begin(KEY, HALF, MIB, TYPE)
    assert files(small_disk) == [f"uploads/{ref.token}"]
    await store.close()


async def test_a_file_for_which_there_is_no_room_leaves_nothing(
    small_disk: Path, tmp_path: Path
) -> None:
    store = LocalStore(small_disk)
    made = tmp_path / "made"
    made.write_bytes(bytes(2 * MIB))
    with pytest.raises(StorageFull):
        await store.put_file("a/object", made, TYPE)
    assert files(small_disk) == []
    assert made.stat().st_size == 2 * MIB
    await store.close()


async def test_a_file_comes_over_from_another_file_system(small_disk: Path, tmp_path: Path) -> None:
    store = LocalStore(small_disk)
    (tmp_path / "made").write_bytes(b"made")
    await store.put_file("a/object", tmp_path / "made", TYPE)
    assert files(small_disk) == ["objects/a/object"]
    assert (small_disk / "objects/a/object").read_bytes() == b"made"
    await store.close()


async def test_an_object_takes_no_second_copy_of_its_bytes(
    store: LocalStore, tmp_path: Path
) -> None:
    ref = await store.begin("a/object", MIB, MIB, TYPE)
    await put(store, ref, 1)
    await store.finish(ref)
    folder = tmp_path / "store"
    assert files(folder) == ["objects/a/object", f"uploads/{ref.token}"]
    assert (folder / "objects/a/object").samefile(folder / "uploads" / ref.token)


async def test_an_upload_is_for_nobody_else_to_read(store: LocalStore, tmp_path: Path) -> None:
    ref = await store.begin(KEY, MIB, MIB, TYPE)
    assert (tmp_path / "store/uploads" / ref.token).stat().st_mode & 0o777 == 0o600


KEYS = ["../x", "a/../../x", "a/../b", "/etc/hostname", "..", "."]


@pytest.mark.parametrize("key", KEYS)
async def test_a_key_that_leaves_the_store_is_refused(
    store: LocalStore, tmp_path: Path, key: str
) -> None:
    outside, made = tmp_path / "store" / "x", tmp_path / "made"
    outside.write_text("mine")
    made.write_text("other")
    refused = [
        store.begin(key, 1, 1, TYPE),
        store.finish(UploadRef(key, 1, 1, "token")),
        store.put_file(key, made, TYPE),
        store.stat(key),
        anext(store.read(key)),
        store.read_ranges(key, [range(1)]),
        stored(store, key),
        store.delivery(key, 60),
        store.delete([key]),
        store.delete_all(f"{key}/"),
    ]
    for call in refused:
        with pytest.raises(ValueError, match="leaves the store"):
            await call
    assert outside.read_text() == "mine"
    assert made.read_text() == "other"
    assert files(tmp_path / "store") == ["x"]


@pytest.mark.parametrize("prefix", ["../", "/etc/", "a/../../"])
async def test_a_prefix_that_leaves_the_store_is_refused(store: LocalStore, prefix: str) -> None:
    with pytest.raises(ValueError, match="leaves the store"):
        await anext(store.list(prefix))


async def test_a_reader_that_stops_leaves_no_file_open(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(bytes(MIB))
    await store.put_file("a/object", tmp_path / "made", TYPE)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers, not paths
    async with aclosing(store.read("a/object")) as reading:
        await anext(reading)
        assert len(os.listdir("/proc/self/fd")) == before + 1  # noqa: PTH208
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


async def test_what_a_store_holds_outlives_the_process(tmp_path: Path) -> None:
    first = LocalStore(tmp_path)
    ref = await first.begin(KEY, MIB, MIB, TYPE)
    await put(first, ref, 1)
    await first.close()
    second = LocalStore(tmp_path)
    await second.finish(ref)
    assert await stored(second) == bytes(MIB)
    await second.close()
