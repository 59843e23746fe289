"""Files that an account keeps: stored from a request, made into videos, given up."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from uuid import UUID, uuid4

from db import accounts, garbage, objects, uploads, videos
from db.models import StoredObject, Video
from db.objects import NewObject
from db.rows import Rows
from db.session import WriteSession
from domain import details, text
from domain.errors import DuplicateContent, LimitExceeded, NotFound, ObjectInUse, SessionClosed
from domain.files import File
from domain.paging import Window
from domain.text import is_storable
from domain.uploads import plan_chunks
from jobs import plans
from jobs.plans import NewVideo
from jobs.uploads import drop
from resolvers import categories, chunks
from resolvers import uploads as sessions
from resolvers.context import Context
from resolvers.uploads import NewUpload
from storage import keys


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the caller says a video comes from: a system of theirs, and its id there."""

    source_type: str
    source_id: str

    @classmethod
    def of(cls, source_type: str | None, source_id: str | None) -> Self:
        return cls(
            text.required("sourceType", source_type or "", text.MAX_SOURCE_TYPE),
            text.required("sourceId", source_id or "", text.MAX_SOURCE_ID),
        )


@dataclass(frozen=True, slots=True)
class FromObject:
    """A video to be made of a stored object, and where the caller says it comes from."""

    storage_id: str
    origin: Origin
    title: str | None
    category_id: UUID | None
    skip_auto_transcode: bool
    owner_phone: str | None = None


def own(ctx: Context) -> Rows:
    """The caller's stored objects, by their keys."""
    return Rows.of(objects.OBJECTS, by="id", account_id=ctx.account_id)


def by_storage_id(ctx: Context, storage_id: str) -> Rows | None:
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    if not is_storable(storage_id):
        return None
    return Rows.of(objects.OBJECTS, account_id=account_id, storage_id=storage_id)


def page(ctx: Context, window: Window) -> Rows:
    return Rows.of(
        objects.OBJECTS, order=objects.NEWEST_FIRST, window=window, account_id=ctx.account_id
    )


async def store(ctx: Context, file: File, *, sha256: str | None) -> StoredObject:
    """Keep a file that came with a request. Its digest is checked, if one was announced."""
    _check_small(ctx, file)
    account_id, limits = ctx.account_id, ctx.services.limits
    async with ctx.services.db.write() as session:  # first: before any byte is stored
        held = await objects.holds(session, account_id, sha256)
        await uploads.make_room(session, account_id, 0 if held else file.size, limits)
    key = keys.source(sha256, uuid4())
    kind = text.content_type(file.content_type)
    ref = await ctx.services.store.begin(key, file.size, file.size, kind)
    try:
        digest = await ctx.services.store.write_part(ref, 1, file.body, sha256=sha256)
        await ctx.services.store.finish(ref)
        async with ctx.services.db.write() as session:
            held = await objects.holds(session, account_id, digest)
            await uploads.make_room(session, account_id, 0 if held else file.size, limits)
            content = await objects.store(session, sha256=digest, key=key, size=file.size)
            new = NewObject(account_id, text.file_name(file.name), kind)
            return await objects.hold(session, content, new, kept=True)
    finally:
        await drop(ctx.services.db, ctx.services.store, ref)


async def upload_video(ctx: Context, file: File, new: NewUpload) -> Video:
    """Take a whole small video in one request. What is refused leaves no open session."""
    _check_small(ctx, file)
    upload = await sessions.create(ctx, new)
    try:
        digest = await chunks.receive(
            ctx, upload, 1, length=file.size, sha256=new.sha256, body=file.body
        )
        upload = await sessions.complete(ctx, upload.id, digest)
    except BaseException:
        with suppress(SessionClosed):  # it was handed over: the failure came after that
            await sessions.cancel(ctx, upload.id)
        raise
    async with ctx.services.db.read() as session:
        video = upload.video_id and await videos.by_id(session, upload.video_id)
    if not video:
        raise NotFound("UploadSession", upload.id)
    return video


def _check_small(ctx: Context, file: File) -> None:
    most = ctx.services.limits.small_file_size
    if file.size > most:
        raise LimitExceeded("The size of the file", limit=most, actual=file.size, path=["file"])
    plan_chunks(file.size, most=ctx.services.limits.file_size)  # refuses an empty file


async def create_video(ctx: Context, new: FromObject) -> Video:
    """Make a video of a stored object. One origin makes one video: `DuplicateContent`."""
    account_id = ctx.account_id
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)  # two requests for one origin are two
        stored = await _object(session, account_id, new.storage_id)
        await check_origin(session, account_id, new.origin)
        category_id = await categories.check(session, account_id, new.category_id)
        content = await objects.lock(session, stored.content_id)
        if content is None:
            raise NotFound("StoredObject", new.storage_id, path=["storageId"])
        await objects.keep(session, stored)  # also one that came as the file of another video
        video = await plans.add_video(
            session,
            NewVideo(
                account_id=account_id,
                title=text.title(new.title or stored.file_name or stored.storage_id),
                description=None,
                file_size=stored.file_size,
                source_type=new.origin.source_type,
                source_id=new.origin.source_id,
                category_id=category_id,
                skip_auto_transcode=new.skip_auto_transcode,
                owner_phone=details.phone(new.owner_phone),
            ),
        )
        await plans.begin(session, ctx.services.queue, video, content, stored)
        return await videos.fresh(session, video)


async def check_origin(session: WriteSession, account_id: UUID, origin: Origin) -> None:
    """Raises `DuplicateContent` if a video comes from there. The account's row is locked."""
    twin = await videos.of_origin(
        session, account_id, source_type=origin.source_type, source_id=origin.source_id
    )
    if twin is not None:
        raise DuplicateContent(twin.id, path=["sourceId"])


async def _object(session: WriteSession, account_id: UUID, storage_id: str) -> StoredObject:
    found = None
    if is_storable(storage_id):
        found = await objects.by_storage_id(session, account_id, storage_id)
    if found is None:
        raise NotFound("StoredObject", storage_id, path=["storageId"])
    return found


async def delete(ctx: Context, ids: Sequence[UUID]) -> list[UUID]:
    """Give up stored objects, all of them or none; one that a video needs stays: `ObjectInUse`.

    The bytes go when nobody holds them any more.
    """
    account_id = ctx.account_id
    async with ctx.services.db.write() as session:
        known = await objects.of_account(session, account_id, ids)
        for id in ids:
            if id not in known:
                raise NotFound("StoredObject", id, path=["ids"])
        released = await objects.release(session, account_id, ids)
        if len(released.ids) < len(known):
            raise ObjectInUse
        lost = [
            key for content in released.contents for key in (content.key, keys.media(content.id))
        ]
        await garbage.add(session, lost)
    return list(ids)
