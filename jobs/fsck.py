"""Comparing the tables with the store: what is missing, what nobody knows, what is miscounted.

What is younger than `GRACE` may be about to get its row, so it is nobody's fault yet.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from db import exports, inventory, objects
from db.models import Content
from jobs import maintenance
from jobs.runs import Tools
from storage import keys
from storage.base import ObjectInfo, StoredUpload, UploadRef

T = TypeVar("T")
Thing_contra = TypeVar("Thing_contra", contravariant=True)

GRACE = timedelta(hours=1)
_BATCH = 500


class Fault(StrEnum):
    MISSING = "missing"
    """A row is about an object that is not there."""
    DAMAGED = "damaged"
    """The object has another size, or other bytes, than its row says."""
    ORPHAN = "orphan"
    """An object that no row is about."""
    UPLOAD = "upload"
    """An upload that no open session is about."""
    MISCOUNT = "miscount"
    """A number that is kept is not the sum of what it counts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: the key or the name of what it is about, and whether it was mended."""

    fault: Fault
    subject: str
    detail: str = ""
    mended: bool = False


async def check(
    tools: Tools, *, repair: bool, read: bool, now: datetime | None = None
) -> AsyncGenerator[Finding]:
    """Everything that does not fit. With `read` the bytes of every content are hashed.

    To repair is to remove what nobody knows, to count anew, and to keep damaged contents from
    new owners until somebody uploads the same bytes again, which replaces them.
    """
    before = (now or datetime.now(UTC)) - GRACE
    store = tools.store
    listings = (
        _each(tools, store.list(keys.SOURCES), _sources, before, repair=repair),
        _each(tools, store.list(keys.MEDIA), _outputs, before, repair=repair),
        _each(tools, store.list(keys.EXPORTS), _exports, before, repair=repair),
        _each(tools, store.list(keys.TAILS), _tails, before, repair=repair),
        _each(tools, store.uploads(), _uploads, before, repair=repair),
    )
    rows = (_contents(tools, repair=repair, read=read), _made(tools))
    for findings in (*rows, *listings, _counts(tools, repair=repair)):
        async for found in findings:
            yield found


class _Look(Protocol, Generic[Thing_contra]):
    """Compares a page of what the store lists with the tables."""

    def __call__(
        self, tools: Tools, page: Sequence[Thing_contra], before: datetime, /, *, repair: bool
    ) -> AsyncGenerator[Finding]: ...


async def _each(
    tools: Tools, listed: AsyncIterator[T], look: _Look[T], before: datetime, *, repair: bool
) -> AsyncGenerator[Finding]:
    async for page in _pages(listed):
        async for found in look(tools, page, before, repair=repair):
            yield found


async def _contents(tools: Tools, *, repair: bool, read: bool) -> AsyncGenerator[Finding]:
    async for content in inventory.contents(tools.db):
        found = await _content(tools, content, read=read)
        if found is None:
            continue
        if repair and content.damaged_at is None:
            async with tools.db.write() as session:
                await objects.checked(session, content, is_sound=False)
        yield found


async def _content(tools: Tools, content: Content, *, read: bool) -> Finding | None:
    try:
        info = await tools.store.stat(content.key)
    except FileNotFoundError:
        return Finding(Fault.MISSING, content.key, f"content {content.sha256}")
    if info.size != content.size:
        return Finding(Fault.DAMAGED, content.key, f"{info.size} bytes, not {content.size}")
    if read and not await maintenance.inspect(tools, content):
        return Finding(Fault.DAMAGED, content.key, "the bytes have another SHA-256")
    return None


async def _made(tools: Tools) -> AsyncGenerator[Finding]:
    async for kind, id, named in inventory.made(tools.db):
        for key in _with_media(named):
            try:
                await tools.store.stat(key)
            except FileNotFoundError:
                yield Finding(Fault.MISSING, key, f"{kind} {id}")


def _with_media(key: str) -> list[str]:
    """A playlist's one media file lies beside it."""
    return [key, f"{key.removesuffix('.m3u8')}.mp4"] if key.endswith(".m3u8") else [key]


async def _sources(
    tools: Tools, page: Sequence[ObjectInfo], before: datetime, *, repair: bool
) -> AsyncGenerator[Finding]:
    async with tools.db.read() as session:
        known = await inventory.known_sources(session, [one.key for one in page])
    async for found in _orphans(tools, page, known, before, repair=repair):
        yield found


async def _outputs(
    tools: Tools, page: Sequence[ObjectInfo], before: datetime, *, repair: bool
) -> AsyncGenerator[Finding]:
    places = defaultdict[tuple[UUID, UUID] | None, list[ObjectInfo]](list)
    for one in page:
        places[_place(one.key)].append(one)
    tasks = {place[1] for place in places if place}
    async with tools.db.read() as session:
        referred = await inventory.outputs(session, {place[0] for place in places if place})
        busy = await inventory.unfinished(session, tasks)
        waiting = await inventory.prefixes_of_garbage(session)
    runs = {_folder(key) for key in referred}
    known = {
        one.key
        for place, those in places.items()
        for one in those
        if _folder(one.key) in runs
        or (place and place[1] in busy)
        or one.key.startswith(tuple(waiting))
    }
    async for found in _orphans(tools, page, known, before, repair=repair):
        yield found


def _folder(key: str) -> str:
    """The run that made the file."""
    return key.rpartition("/")[0]


def _place(key: str) -> tuple[UUID, UUID] | None:
    """The content and the task that a file was made from and by; None for what we never make."""
    content, _, rest = key.removeprefix(keys.MEDIA).partition("/")
    try:
        return UUID(content), UUID(rest.partition("/")[0])
    except ValueError:
        return None


async def _orphans(
    tools: Tools, page: Sequence[ObjectInfo], known: set[str], before: datetime, *, repair: bool
) -> AsyncGenerator[Finding]:
    orphans = [one for one in page if one.key not in known and one.modified_at < before]
    if repair:
        await tools.store.delete([one.key for one in orphans])
    for one in orphans:
        yield Finding(Fault.ORPHAN, one.key, f"{one.size} bytes", mended=repair)


async def _exports(
    tools: Tools, page: Sequence[ObjectInfo], before: datetime, *, repair: bool
) -> AsyncGenerator[Finding]:
    found = [one.key for one in page]
    async with tools.db.read() as session:
        known = await exports.known(session, found)
        known |= await inventory.waiting_garbage(session, found)
        waiting = tuple(await inventory.prefixes_of_garbage(session))
    known |= {key for key in found if key.startswith(waiting)}
    async for one in _orphans(tools, page, known, before, repair=repair):
        yield one


async def _tails(
    tools: Tools, page: Sequence[ObjectInfo], before: datetime, *, repair: bool
) -> AsyncGenerator[Finding]:
    tokens = {one.key: keys.token_of_tail(one.key) for one in page}
    async with tools.db.read() as session:
        needed = await inventory.open_uploads(session, set(tokens.values()))
    known = {key for key, token in tokens.items() if token in needed}
    async for found in _orphans(tools, page, known, before, repair=repair):
        yield found


async def _uploads(
    tools: Tools, page: Sequence[StoredUpload], before: datetime, *, repair: bool
) -> AsyncGenerator[Finding]:
    making = {one.token: place[1] for one in page if (place := _place(one.key or ""))}
    async with tools.db.read() as session:
        known = await inventory.open_uploads(session, [one.token for one in page])
        busy = await inventory.unfinished(session, set(making.values()))
        stored = await inventory.waiting_garbage(session, [one.key for one in page if one.key])
    for one in page:
        is_wanted = one.token in known or one.key in stored or making.get(one.token) in busy
        if is_wanted or one.begun_at >= before:
            continue
        if repair:
            await tools.store.abort(UploadRef(one.key or "", 1, 1, one.token))
        begun = one.begun_at.isoformat(timespec="seconds")
        yield Finding(Fault.UPLOAD, one.token, f"since {begun}", mended=repair)


async def _counts(tools: Tools, *, repair: bool) -> AsyncGenerator[Finding]:
    async with tools.db.read() as session:
        wrong = await inventory.miscounts(session)
    if wrong and repair:
        async with tools.db.write() as session:
            await inventory.recount(session)
    for one in wrong:
        detail = f"{one.name} is {one.kept}, not {one.true}"
        yield Finding(Fault.MISCOUNT, str(one.id), detail, mended=repair)


async def _pages(found: AsyncIterator[T]) -> AsyncGenerator[list[T]]:
    page: list[T] = []
    async for one in found:
        page.append(one)
        if len(page) == _BATCH:
            yield page
            page = []
    if page:
        yield page
