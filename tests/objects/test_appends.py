"""What every object store promises about an upload whose bytes come in order."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from domain.errors import ChecksumMismatch, IncompleteBody
from storage.base import Digest, ObjectStore, UploadRef
from tests.objects.bodies import (
    CHUNKS,
    DATA,
    KEY,
    PART,
    Dropped,
    begin,
    body,
    cut,
    stored,
    upload,
)

MIB = 1 << 20


class Kept(list[int]):
    """The offsets that were heard."""

    async def __call__(self, offset: int) -> None:
        self.append(offset)


async def send(
    store: ObjectStore, ref: UploadRef, offset: int, data: bytes, digest: Digest | None = None
) -> list[int]:
    kept = Kept()
    sent = body(*cut(data, 65_536))
    await store.append(ref, offset, sent, digest=digest, keep=kept)
    return kept


async def finished(store: ObjectStore, ref: UploadRef) -> bytes | None:
    await store.finish(ref)
    return await stored(store)


def digest_of(data: bytes, algorithm: str = "sha1") -> Digest:
    return Digest(algorithm, hashlib.new(algorithm, data).digest())


async def test_one_body_makes_the_object(store: ObjectStore) -> None:
    ref = await begin(store)
    kept = await send(store, ref, 0, DATA)
    assert kept[-1] == len(DATA)
    assert await finished(store, ref) == DATA


async def test_long_bodies_are_kept_now_and_then(store: ObjectStore) -> None:
    size = 20 * MIB
    ref = await begin(store, size=size)
    kept = await send(store, ref, 0, bytes(size))
    assert len(kept) >= 2
    assert kept == sorted(kept)
    assert all(8 * MIB <= b - a <= 8 * MIB + PART for a, b in pairwise([0, *kept[:-1]]))
    assert kept[-1] == size


@pytest.mark.parametrize("seed", range(3))
async def test_the_bytes_may_be_cut_anywhere(store: ObjectStore, seed: int) -> None:
    """Also at the edges of parts, and with several edges in one body."""
    dice = random.Random(seed)  # noqa: S311 - always the same
    edges = {PART, 2 * PART - 1, 2 * PART, *dice.sample(range(1, len(DATA)), 12)}
    ref = await begin(store)
    at = 0
    for edge in sorted({*edges, len(DATA)}):
        chunk = DATA[at:edge]
        digest = dice.choice([None, digest_of(chunk), digest_of(chunk, "md5")])
        assert (await send(store, ref, at, chunk, digest))[-1] == edge
        at = edge
    assert await finished(store, ref) == DATA


async def test_a_body_that_breaks_off_is_kept_so_far(store: ObjectStore) -> None:
    ref, kept = await begin(store), Kept()
    broken = body(*cut(DATA[: PART + 777], 1_000), then=Dropped())
    with pytest.raises(Dropped):
        await store.append(ref, 0, broken, digest=None, keep=kept)
    assert kept[-1] == PART + 777
    assert await send(store, ref, PART + 777, DATA[PART + 777 :]) == [len(DATA)]
    assert await finished(store, ref) == DATA


async def test_bytes_that_were_kept_but_not_remembered_are_sent_again(store: ObjectStore) -> None:
    """The process may die between the store and its own memory of the offset."""

    async def die(_: int) -> None:
        raise Dropped

    ref = await begin(store)
    at = 900_000
    await send(store, ref, 0, DATA[:at])
    for end in (at + 5, PART - 1, PART, PART + 5, 2 * PART + 1):
        with pytest.raises(Dropped):
            await store.append(ref, at, body(DATA[at:end]), digest=None, keep=die)
    await send(store, ref, at, DATA[at:])
    assert await finished(store, ref) == DATA


async def test_a_cancelled_body_is_kept_so_far(store: ObjectStore) -> None:
    ref, kept, reading = await begin(store), Kept(), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield DATA[: PART + 500_000]
        yield b""
        reading.set()
        await asyncio.get_running_loop().create_future()

    sending = asyncio.create_task(store.append(ref, 0, endless(), digest=None, keep=kept))
    await reading.wait()
    sending.cancel()
    await asyncio.wait([sending])
    assert sending.cancelled()
    assert kept[-1] == PART + 500_000
    await send(store, ref, kept[-1], DATA[kept[-1] :])
    assert await finished(store, ref) == DATA


async def test_a_checked_body_is_kept_when_all_of_it_is_there(store: ObjectStore) -> None:
    ref = await begin(store)
    assert await send(store, ref, 0, DATA, digest_of(DATA)) == [len(DATA)]
    assert await finished(store, ref) == DATA


@pytest.mark.parametrize("length", [1, PART - 1_000, PART, 2 * PART - 1_000 + 5])
async def test_nothing_is_kept_of_a_body_with_another_digest(
    store: ObjectStore, length: int
) -> None:
    ref, kept = await begin(store), Kept()
    await send(store, ref, 0, DATA[:1_000])
    wrong = body(*cut(bytes(length), 65_536))
    with pytest.raises(ChecksumMismatch) as failure:
        await store.append(ref, 1_000, wrong, digest=digest_of(b"other"), keep=kept)
    assert failure.value.expected == digest_of(b"other").value.hex()
    assert failure.value.actual == digest_of(bytes(length)).value.hex()
    assert kept == []
    await send(store, ref, 1_000, DATA[1_000:])
    assert await finished(store, ref) == DATA


async def test_nothing_is_kept_of_a_checked_body_that_breaks_off(store: ObjectStore) -> None:
    ref, kept = await begin(store), Kept()
    await send(store, ref, 0, DATA[:1_000])
    broken = body(bytes(PART), then=Dropped())
    with pytest.raises(Dropped):
        await store.append(ref, 1_000, broken, digest=digest_of(DATA), keep=kept)
    assert kept == []
    await send(store, ref, 1_000, DATA[1_000:])
    assert await finished(store, ref) == DATA


@pytest.mark.parametrize("digest", [None, digest_of(CHUNKS[3] + b"x")])
async def test_nothing_is_kept_of_a_body_that_goes_on_too_long(
    store: ObjectStore, digest: Digest | None
) -> None:
    ref, kept = await begin(store), Kept()
    await send(store, ref, 0, DATA[: 2 * PART])
    long = body(CHUNKS[3] + b"x")
    with pytest.raises(IncompleteBody) as failure:
        await store.append(ref, 2 * PART, long, digest=digest, keep=kept)
    assert (failure.value.expected, failure.value.actual) == (5, 6)
    assert kept == []
    await send(store, ref, 2 * PART, CHUNKS[3])
    assert await finished(store, ref) == DATA


async def test_an_empty_body_changes_nothing(store: ObjectStore) -> None:
    ref = await begin(store)
    assert await send(store, ref, 0, b"") == []
    await send(store, ref, 0, DATA[:9])
    assert await send(store, ref, 9, b"") == []
    await send(store, ref, 9, DATA[9:])
    assert await finished(store, ref) == DATA


async def test_an_upload_that_is_not_whole_cannot_be_finished(store: ObjectStore) -> None:
    ref = await begin(store)
    await send(store, ref, 0, DATA[:-1])
    with pytest.raises(ValueError, match="not"):
        await store.finish(ref)
    assert await stored(store) is None


async def test_nothing_stays_of_an_appended_upload(store: ObjectStore) -> None:
    for ended in (store.finish, store.abort):
        ref = await upload(store, f"{KEY}.other")
        await send(store, ref, 0, DATA[:7])
        await send(store, ref, 7, DATA[7:])
        await ended(ref)
        await store.abort(ref)
    assert [found.key async for found in store.list("")] == [f"{KEY}.other"]


async def test_an_unknown_upload_takes_no_bytes(store: ObjectStore, backend: str) -> None:
    if backend == "moto":
        pytest.skip("it answers a part of an unknown upload with a 500")
    ref, kept = await begin(store), Kept()
    await store.abort(ref)
    with pytest.raises(FileNotFoundError):
        await store.append(ref, 0, body(*cut(DATA, 65_536)), digest=None, keep=kept)
    assert kept == []
