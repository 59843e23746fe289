"""What the API and the workers do alike with what the store holds of an upload."""

from uuid import UUID

from db import objects, uploads
from db.models import UploadSession
from db.session import Database, ReadSession
from domain.uploads import OPEN, UploadStatus
from storage.base import ObjectStore, UploadRef

CHECKED = (UploadStatus.COMPLETED, UploadStatus.FAILED)


def ref_of(upload: UploadSession) -> UploadRef:
    """The upload as the store knows it."""
    return UploadRef(upload.storage_key, upload.file_size, upload.chunk_size, upload.storage_token)


async def pieces(session: ReadSession, upload: UploadSession) -> list[UploadSession]:
    """The partial uploads that it is put together from, in this order."""
    found = await uploads.by_ids(session, upload.partials or [])
    return [found[id] for id in upload.partials or [] if id in found]


async def drop(db: Database, store: ObjectStore, ref: UploadRef) -> None:
    """Remove an upload, and its object unless a content is kept there.

    It is not when the same bytes were here before, or when this file was refused.
    """
    async with db.read() as session:
        kept = await objects.is_kept(session, ref.key)
    await store.abort(ref)  # first: nothing can become the object any more
    if not kept:
        await store.delete([ref.key])


async def clear(db: Database, store: ObjectStore, id: UUID) -> None:
    """Remove what the store holds of a closed upload, and of the pieces it was made from.

    Safe to repeat, also after a crash: who is killed here leaves the rest to a job.
    """
    async with db.read() as session:
        upload = await uploads.by_id(session, id)
        if upload is None or upload.status in OPEN:
            return
        # Until it was handed over, it had none: they may have become another upload's.
        parts = await pieces(session, upload) if upload.status in CHECKED else []
    held = [one for one in (upload, *parts) if one.storage_token]
    for one in held:
        await drop(db, store, ref_of(one))
    async with db.write() as session:
        await uploads.cleared(session, [one.id for one in held])
