"""Comparing the tables with the store."""

import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from db import objects
from db.models import Content, StoredObject
from db.objects import NewObject
from domain.videos import Resolution
from jobs import fsck, maintenance
from jobs.fsck import Fault, Finding
from jobs.runs import Tools
from storage import keys
from storage.local import LocalStore
from tests.support import factories
from tests.support.factories import Owner

LATER = datetime.now(UTC) + timedelta(hours=2)
DATA = os.urandom(1_000)


@pytest.fixture
async def house(tools: Tools, tmp_path: Path) -> AsyncIterator[Tools]:
    """The tools on a store of this test's own."""
    store = LocalStore(tmp_path / "store")
    yield replace(tools, store=store)
    await store.close()


async def checked(
    house: Tools, *, repair: bool = False, read: bool = False, now: datetime = LATER
) -> list[Finding]:
    return [one async for one in fsck.check(house, repair=repair, read=read, now=now)]


async def put(house: Tools, key: str, data: bytes, tmp_path: Path) -> None:
    draft = tmp_path / uuid4().hex
    draft.write_bytes(data)
    await house.store.put_file(key, draft, "application/octet-stream")


async def kept(house: Tools, owner: Owner, tmp_path: Path) -> tuple[Content, StoredObject]:
    """An account's object, with its bytes in the store."""
    sha256 = hashlib.sha256(DATA).hexdigest()
    key = keys.source(sha256, uuid4())
    await put(house, key, DATA, tmp_path)
    async with house.db.write() as session:
        content = await objects.store(session, sha256=sha256, key=key, size=len(DATA))
        new = NewObject(owner.account.id, "a.bin", "application/octet-stream")
        return content, await objects.hold(session, content, new)


async def is_there(house: Tools, key: str) -> bool:
    try:
        await house.store.stat(key)
    except FileNotFoundError:
        return False
    return True


async def test_what_fits_is_not_mentioned(house: Tools, owner: Owner, tmp_path: Path) -> None:
    await kept(house, owner, tmp_path)
    await house.store.begin("sources/new", 10, 10, "a/b")
    assert await checked(house, read=True, now=datetime.now(UTC)) == []


async def test_a_missing_content_is_found_and_set_aside(
    house: Tools, owner: Owner, tmp_path: Path
) -> None:
    content, _ = await kept(house, owner, tmp_path)
    await house.store.delete([content.key])
    missing = Finding(Fault.MISSING, content.key, f"content {content.sha256}")
    assert await checked(house) == [missing]
    assert await checked(house, repair=True) == [missing]
    async with house.db.write() as session:
        assert await objects.sound(session, sha256=content.sha256, size=len(DATA)) is None


async def test_a_content_that_changed_is_found_by_its_size_or_by_reading(
    house: Tools, owner: Owner, tmp_path: Path
) -> None:
    content, _ = await kept(house, owner, tmp_path)
    await put(house, content.key, bytes(999), tmp_path)
    size = Finding(Fault.DAMAGED, content.key, "999 bytes, not 1000")
    assert await checked(house) == [size]
    await put(house, content.key, bytes(1_000), tmp_path)
    assert await checked(house) == []
    changed = Finding(Fault.DAMAGED, content.key, "the bytes have another SHA-256")
    assert await checked(house, read=True) == [changed]


async def test_the_same_bytes_again_replace_a_damaged_content(
    house: Tools, owner: Owner, tmp_path: Path
) -> None:
    content, stored = await kept(house, owner, tmp_path)
    await put(house, content.key, bytes(1_000), tmp_path)
    await maintenance.inspect(house, content)
    again, same = await kept(house, owner, tmp_path)
    assert (again.id, same.id) == (content.id, stored.id)
    assert again.key != content.key
    assert await checked(house, read=True) == []
    assert await maintenance.collect(house, now=LATER) == 1
    assert not await is_there(house, content.key)


async def test_the_scrubber_reads_what_nobody_looked_at_for_a_month(
    house: Tools, owner: Owner, tmp_path: Path, wiper: psycopg.Connection
) -> None:
    content, _ = await kept(house, owner, tmp_path)
    await put(house, content.key, bytes(1_000), tmp_path)
    await maintenance.scrub(house)
    async with house.db.write() as session:
        assert await objects.sound(session, sha256=content.sha256, size=1_000) is not None
    wiper.execute("update content set checked_at = now() - interval '31 days'")
    await maintenance.scrub(house)
    async with house.db.write() as session:
        assert await objects.sound(session, sha256=content.sha256, size=1_000) is None


@pytest.mark.parametrize(
    "key",
    [keys.source("ab" * 32, uuid4()), keys.export(uuid4(), 1)],
    ids=["of a source", "of an export"],
)
async def test_an_orphan_is_found_once_it_is_old_enough(
    house: Tools, tmp_path: Path, key: str
) -> None:
    await put(house, key, b"12345", tmp_path)
    assert await checked(house, now=datetime.now(UTC)) == []
    assert await checked(house) == [Finding(Fault.ORPHAN, key, "5 bytes")]
    assert await checked(house, repair=True) == [Finding(Fault.ORPHAN, key, "5 bytes", mended=True)]
    assert not await is_there(house, key)
    assert await checked(house) == []


async def test_outputs_that_nobody_refers_to_are_orphans(
    house: Tools, owner: Owner, tmp_path: Path
) -> None:
    video = await factories.video(house.db, owner.account)
    assert video.content_id is not None
    done = await factories.transcode_task(house.db, video, Resolution.P360)
    folder = keys.attempt(video.content_id, done.id, 1)
    stranger = keys.attempt(video.content_id, uuid4(), 1) + "360P.mp4"
    for key in (f"{folder}360P.m3u8", f"{folder}360P.mp4", stranger):
        await put(house, key, b"1", tmp_path)
    found = [one for one in await checked(house) if one.fault is Fault.ORPHAN]
    assert found == [Finding(Fault.ORPHAN, stranger, "1 bytes")]  # the task may still write


async def test_a_ready_play_set_without_its_file_is_found(
    house: Tools, owner: Owner, tmp_path: Path
) -> None:
    del tmp_path
    video = await factories.video(house.db, owner.account)
    play_set = await factories.ready_play_set(
        house.db, video, playlist_key="videos/a/b/1/360P.m3u8"
    )
    found = [one for one in await checked(house) if "play set" in one.detail]
    assert found == [
        Finding(Fault.MISSING, f"videos/a/b/1/360P.{kind}", f"play set {play_set.id}")
        for kind in ("m3u8", "mp4")
    ]


async def test_the_pieces_of_an_upload_that_is_checked_are_needed(
    house: Tools, owner: Owner, wiper: psycopg.Connection
) -> None:
    piece = await house.store.begin("sources/piece", 10, 10, "a/b")
    for id, partials, status, token in (
        (uuid4(), None, "completed", piece.token),
        (uuid4(), "piece", "verifying", "whole"),
    ):
        wiper.execute(
            "insert into upload_session (id, account_id, status, title, purpose, content_type,"
            " file_size, chunk_size, storage_key, storage_token, expires_at, partials)"
            " select %s, %s, %s, 'A', 'video', 'a/b', 10, 10, %s, %s, now(), case when %s then"
            " (select array_agg(id) from upload_session) end",
            [id, owner.account.id, status, f"sources/{token}", token, partials is not None],
        )
    assert await checked(house, repair=True) == []


@pytest.mark.parametrize("token", ["plain", "with/slash+and=="])
async def test_bytes_that_are_no_whole_part_are_needed_while_their_upload_is_open(
    house: Tools, owner: Owner, tmp_path: Path, wiper: psycopg.Connection, token: str
) -> None:
    key = keys.tails("sources/new", token) + "1"
    await put(house, key, b"1", tmp_path)
    wiper.execute(
        "insert into upload_session (id, account_id, status, title, purpose, content_type,"
        " file_size, chunk_size, storage_key, storage_token, expires_at)"
        " values (%s, %s, 'uploading', 'A', 'video', 'a/b', 10, 10, 'sources/new', %s, now())",
        [uuid4(), owner.account.id, token],
    )
    assert await checked(house, repair=True) == []
    wiper.execute("update upload_session set status = 'cancelled'")
    assert await checked(house) == [Finding(Fault.ORPHAN, key, "1 bytes")]


async def test_an_upload_without_a_session_is_aborted(house: Tools) -> None:
    ref = await house.store.begin("sources/new", 10, 10, "a/b")
    (found,) = await checked(house, repair=True)
    assert (found.fault, found.subject, found.mended) == (Fault.UPLOAD, ref.token, True)
    assert [one async for one in house.store.uploads()] == []


async def test_numbers_that_were_miscounted_are_counted_anew(
    house: Tools, owner: Owner, tmp_path: Path, wiper: psycopg.Connection
) -> None:
    content, _ = await kept(house, owner, tmp_path)
    wiper.execute('update content set "references" = 7')
    wiper.execute("update account set storage_used = 5")
    account: UUID = owner.account.id
    expected = [
        Finding(Fault.MISCOUNT, str(content.id), "references is 7, not 1", mended=True),
        Finding(Fault.MISCOUNT, str(account), "storage_used is 5, not 1000", mended=True),
    ]
    assert await checked(house, repair=True) == expected
    assert await checked(house) == []
