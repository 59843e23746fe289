"""How a store in S3 finds its bucket, and what happens when it loses it."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import StorageBusy
from storage import s3_location
from storage.base import StoredPart
from storage.s3 import S3Store
from tests.objects.bodies import DATA, KEY, PART, TYPE, begin, put
from tests.support import s3

MIB = 1 << 20


async def test_strangers_hear_the_public_address(server: s3.S3Server, tmp_path: Path) -> None:
    location = replace(server.location, public_endpoint="https://media.example/s3/")
    store = await S3Store.open(location, tmp_path)
    ref = await begin(store)
    base = "https://media.example/s3/reelgraph/one/of%20two/sources/ab/cd/object.1?"
    assert store.part_request(ref, 1, 60).url.startswith(base)
    assert (await store.delivery(KEY, 60)).url.startswith(base)
    await put(store, ref, 1)
    assert await store.parts(ref) == [StoredPart(1, PART)]
    await store.close()


async def test_a_store_without_given_credentials_finds_some(
    server: s3.S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.CREDENTIALS.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.CREDENTIALS.secret_key)
    store = await S3Store.open(replace(server.location, credentials=None), tmp_path)
    ref = await begin(store)
    await put(store, ref, 1)
    assert await store.parts(ref) == [StoredPart(1, PART)]
    await store.close()


async def test_a_store_without_any_credentials_does_not_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ValueError, match="no credentials"):
        await S3Store.open(s3_location.S3Location("bucket"), tmp_path)


async def test_a_store_that_breaks_off_is_busy(tmp_path: Path) -> None:
    folder = tmp_path / s3.BUCKET / s3.PREFIX
    folder.mkdir(parents=True)
    (folder / "big").write_bytes(bytes(64 * MIB))
    with s3.rclone(tmp_path) as server:
        store = await S3Store.open(server.location, tmp_path / "workspace")
        reading = store.read("big")
        await anext(reading)
    with pytest.raises(StorageBusy):
        async for _ in reading:
            pass
    await store.close()


async def test_a_store_that_does_not_answer_is_busy(tmp_path: Path) -> None:
    with s3.rclone(tmp_path) as server:
        store = await S3Store.open(server.location, tmp_path / "workspace")
        ref = await begin(store)
        (tmp_path / "made").write_bytes(DATA)
    calls: list[Awaitable[object]] = [
        begin(store),
        put(store, ref, 1),
        store.parts(ref),
        store.finish(ref),
        store.abort(ref),
        store.stat(KEY),
        anext(store.read(KEY)),
        anext(store.list("")),
        anext(store.uploads()),
        store.put_file(KEY, tmp_path / "made", TYPE),
        store.delete([KEY]),
    ]
    for failure in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(failure, StorageBusy)
    await store.close()
