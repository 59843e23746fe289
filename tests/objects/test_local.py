"""Objects on a local disk: other processes, full disks, and keys that lead elsewhere."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from domain.errors import PartBusy, StorageFull
from storage.base import PartTarget
from storage.local import LocalStore
from tests.support import processes

MIB = 1 << 20
FIRST, SECOND = PartTarget("upload", 1, 0, MIB // 2), PartTarget("upload", 2, MIB // 2, MIB)

HOLD = """
import asyncio, sys
from pathlib import Path
from storage.base import PartTarget
from storage.local import LocalStore

async def hold():
    store = LocalStore(Path(sys.argv[1]))
    async with store.part(PartTarget("upload", 1, 0, 1 << 19)):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    await store.close()

asyncio.run(hold())
"""


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


async def body(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


async def put(store: LocalStore, target: PartTarget) -> str:
    async with store.part(target) as part:
        return await part.write(body(bytes(target.length)), sha256=None)


def files(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


@contextmanager
def holder(store_folder: Path) -> "Generator[subprocess.Popen[str]]":
    """Another process that writes the first part."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store_folder)],
        env=processes.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def test_a_part_that_another_process_writes_is_busy(
    store: LocalStore, tmp_path: Path
) -> None:
    await store.begin("upload", 2 * MIB)
    with holder(tmp_path / "store"):
        with pytest.raises(PartBusy):
            await put(store, FIRST)
        await put(store, SECOND)


async def test_a_part_is_free_when_its_process_was_killed(
    store: LocalStore, tmp_path: Path
) -> None:
    await store.begin("upload", 2 * MIB)
    with holder(tmp_path / "store") as process:
        process.kill()
        process.wait()
        await put(store, FIRST)


async def test_a_cancelled_writer_writes_nowhere_afterwards(tmp_path: Path) -> None:
    """Its descriptor's number may belong to another file by then."""
    store = LocalStore(tmp_path / "store", threads=1)
    blocks = [bytes(1_000), bytes(64 * MIB)]  # one batch; hashing the second takes a while
    length = sum(map(len, blocks))
    await store.begin("upload", length)

    async def write() -> None:
        async with store.part(PartTarget("upload", 1, 0, length)) as part:
            await part.write(body(*blocks), sha256=None)

    writing = asyncio.create_task(write())
    while (tmp_path / "store/uploads/upload").stat().st_size == 0:  # noqa: ASYNC110 - a thread writes
        await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing])
    assert writing.cancelled()
    with ExitStack() as stack:
        others = [stack.enter_context(TemporaryFile(dir=tmp_path)) for _ in range(50)]
        await store.begin("next", 1)  # the one thread has done all that came before
        assert {os.fstat(other.fileno()).st_size for other in others} == {0}
    await store.close()


async def test_a_cancelled_digest_stops_reading(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, threads=1)
    await store.begin("upload", 1)
    os.truncate(tmp_path / "uploads" / "upload", 1 << 40)  # all holes: it needs no room
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard(_: int) -> None:
        loop.call_soon_threadsafe(begun.set)

    hashing = asyncio.create_task(store.digest("upload", heard))
    await begun.wait()
    hashing.cancel()
    async with asyncio.timeout(5):
        await store.begin("next", 1)  # the one thread is free again
    await store.close()


async def test_a_part_for_which_there_is_no_room_is_refused(small_disk: Path) -> None:
    store = LocalStore(small_disk)
    await store.begin("upload", 1)
    first = await put(store, FIRST)
    with pytest.raises(StorageFull):
        await put(store, SECOND)
    assert (small_disk / "uploads/upload").read_bytes()[: FIRST.length] == bytes(FIRST.length)
    os.truncate(small_disk / "uploads/upload", FIRST.length)
    assert await put(store, FIRST) == first  # there is room for what was there before
    await store.close()


async def test_an_upload_larger_than_the_room_is_refused(small_disk: Path) -> None:
    store = LocalStore(small_disk)
    with pytest.raises(StorageFull):
        await store.begin("upload", MIB + 1)
    await store.begin("upload", MIB // 2)
    assert files(small_disk) == ["uploads/upload"]
    await store.close()


async def test_a_file_for_which_there_is_no_room_leaves_nothing(
    small_disk: Path, tmp_path: Path
) -> None:
    store = LocalStore(small_disk)
    made = tmp_path / "made"
    made.write_bytes(bytes(2 * MIB))
    with pytest.raises(StorageFull):
        await store.put_file("a/object", made)
    assert files(small_disk) == []
    assert made.stat().st_size == 2 * MIB
    await store.close()


async def test_a_file_comes_over_from_another_file_system(small_disk: Path, tmp_path: Path) -> None:
    store = LocalStore(small_disk)
    (tmp_path / "made").write_bytes(b"made")
    await store.put_file("a/object", tmp_path / "made")
    assert files(small_disk) == ["objects/a/object"]
    assert (small_disk / "objects/a/object").read_bytes() == b"made"
    await store.close()


async def test_an_object_takes_no_second_copy_of_its_bytes(
    store: LocalStore, tmp_path: Path
) -> None:
    await store.begin("upload", MIB)
    await store.finish("upload", "a/object")
    folder = tmp_path / "store"
    assert files(folder) == ["objects/a/object", "uploads/upload"]
    assert (folder / "objects/a/object").samefile(folder / "uploads/upload")


KEYS = ["../x", "a/../../x", "a/../b", "/etc/hostname", "..", "."]


@pytest.mark.parametrize("key", KEYS)
async def test_a_key_that_leaves_the_store_is_refused(
    store: LocalStore, tmp_path: Path, key: str
) -> None:
    outside = tmp_path / "store" / "x"
    outside.write_text("mine")
    made = tmp_path / "made"
    made.write_text("other")
    await store.begin("upload", 1)
    with pytest.raises(ValueError, match="leaves the store"):
        await store.put_file(key, made)
    with pytest.raises(ValueError, match="leaves the store"):
        await store.finish("upload", key)
    with pytest.raises(ValueError, match="leaves the store"):
        await store.delivery(key)
    with pytest.raises(ValueError, match="leaves the store"):
        await store.delete([key])
    with pytest.raises(ValueError, match="leaves the store"):
        await store.delete_all(f"{key}/")
    with pytest.raises(ValueError, match="leaves the store"):
        async with store.object_file(key):
            pass
    assert outside.read_text() == "mine"
    assert made.read_text() == "other"


async def test_what_a_store_holds_outlives_the_process(tmp_path: Path) -> None:
    first = LocalStore(tmp_path)
    await first.begin("upload", MIB)
    digest = await put(first, FIRST)
    await first.close()
    second = LocalStore(tmp_path)
    assert await second.digest("upload", lambda _: None) == digest
    await second.close()
