"""`kill -9` while files become objects, and a disk that is full for a while."""

import asyncio
import os
import random
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support import forms, processes, uploading
from tests.support.api import Api
from tests.support.processes import Server
from tests.support.waiting import until

MIB = 1 << 20
STORE = """
mutation ($input: UploadObjectInput!) { uploadObject(input: $input) { userErrors { code } } }
"""


async def finished(api: Api, id: str) -> bool:
    return (await uploading.session(api, id))["status"] == "COMPLETED"


async def send(api: Api, data: bytes) -> str:
    begun = await uploading.begin(api, data, chunkSize=len(data), purpose="OBJECT")
    assert (await uploading.put(api, begun["id"], 1, data)).status_code == 200
    return begun["id"]


@pytest.mark.timeout(300)
async def test_files_become_objects_whenever_the_server_is_killed(server: Server) -> None:
    """New bytes, and bytes that are there already; each session ends once, and nothing is left."""
    dice = random.Random(9)  # noqa: S311 - always the same
    contents = [os.urandom(24 * MIB), os.urandom(MIB)]
    sessions: list[str] = []
    for number in range(6):
        data = contents[number % 2]
        async with server.api() as api:
            id = await send(api, data)
            completing = asyncio.create_task(uploading.complete(api, id, uploading.sha256(data)))
            await asyncio.sleep(dice.uniform(0, 0.3))  # any moment will do
            server.kill()
            await asyncio.gather(completing, return_exceptions=True)
        sessions.append(id)
        server.start()
    async with server.api() as api:
        for number, id in enumerate(sessions):
            again = await uploading.complete(api, id, uploading.sha256(contents[number % 2]))
            assert again["userErrors"] == []
            await until(partial(finished, api, id))
        found = await api.run("{ storedObjects { totalCount } viewer { storageUsed } }")
    assert found["storedObjects"]["totalCount"] == 2
    assert found["viewer"]["storageUsed"] == 25 * MIB
    storage = server.data_dir / "storage"

    async def clean() -> bool:
        return len(files(storage / "objects")) == 2 and not files(storage / "uploads")

    # What a killed server left, the duty of each minute removes once it is a minute old.
    await until(clean, timeout_s=150)
    assert {path.stat().st_size for path in files(storage / "objects")} == {24 * MIB, MIB}


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mounting, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607 - wherever it is


async def test_a_chunk_for_which_there_is_no_room_succeeds_later(small_disk: Path) -> None:
    with processes.server(REELGRAPH_STORAGE_URL=f"file://{small_disk}") as server:
        server.start()
        async with server.api() as api:
            data = os.urandom(3 * MIB)
            begun = await uploading.begin(api, data, chunkSize=MIB, purpose="OBJECT")
            await uploading.put(api, begun["id"], 1, data[:MIB])
            filler = small_disk / "filler"
            filler.write_bytes(bytes(2 * MIB + MIB // 2))

            refused = await uploading.put(api, begun["id"], 2, data[MIB : 2 * MIB])
            assert (refused.status_code, refused.json()["code"]) == (507, "STORAGE_FULL")
            assert refused.headers["retry-after"] == "60"
            assert (await uploading.session(api, begun["id"]))["missingChunks"] == [2, 3]

            filler.unlink()
            for index in (2, 3):
                chunk = data[(index - 1) * MIB : index * MIB]
                assert (await uploading.put(api, begun["id"], index, chunk)).status_code == 200
            done = await uploading.complete(api, begun["id"], uploading.sha256(data))
            assert done["userErrors"] == []
            await until(lambda: finished(api, begun["id"]))


async def test_a_form_for_which_there_is_no_room_is_refused(small_disk: Path) -> None:
    with processes.server(TMPDIR=str(small_disk)) as server:
        server.start()
        async with server.api() as api:
            data = os.urandom(5 * MIB)
            file = {"variables.input.file": ("a", data, "a/b")}
            answer = await forms.post(api, STORE, {"input": {"file": None}}, file)
    assert (answer.status_code, answer.headers["retry-after"]) == (507, "60")
    assert answer.json()["errors"][0]["extensions"] == {"code": "STORAGE_FULL"}
