"""Uploads for tests: what is sent, and how it is looked at afterwards."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from storage.base import ObjectStore, UploadRef

PART = 1 << 20
DATA = os.urandom(2 * PART + 5)
CHUNKS = {1: DATA[:PART], 2: DATA[PART : 2 * PART], 3: DATA[2 * PART :]}
KEY = "sources/ab/cd/object.1"
TYPE = "video/mp4"


class Dropped(Exception):
    """The client went away in the middle of its body."""


async def body(*blocks: bytes, then: Exception | None = None) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
    if then is not None:
        raise then


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def begin(store: ObjectStore, key: str = KEY, size: int = len(DATA)) -> UploadRef:
    return await store.begin(key, size, PART, TYPE)


async def put(
    store: ObjectStore, ref: UploadRef, number: int, *blocks: bytes, expected: str | None = None
) -> str:
    sent = body(*(blocks or (CHUNKS[number],)))
    return await store.write_part(ref, number, sent, sha256=expected)


async def upload(store: ObjectStore, key: str = KEY) -> UploadRef:
    """All parts, not yet finished."""
    ref = await begin(store, key)
    await asyncio.gather(*(put(store, ref, number) for number in CHUNKS))
    return ref


async def stored(store: ObjectStore, key: str = KEY) -> bytes | None:
    """The object's bytes; None when there is none."""
    try:
        async with store.object_file(key) as path:
            return path.read_bytes()
    except FileNotFoundError:
        return None


async def tokens(store: ObjectStore) -> set[str]:
    return {upload.token async for upload in store.uploads()}


async def add(store: ObjectStore, folder: Path, *keys: str) -> None:
    """Objects that contain their own keys."""
    for key in keys:
        (folder / "made").write_text(key)
        await store.put_file(key, folder / "made", TYPE)
