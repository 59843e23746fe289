"""Upload sessions."""

from datetime import datetime
from typing import Annotated, ClassVar, cast

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.errors import InvalidArgument
from domain.paging import Window
from domain.uploads import count_chunks, percent, seconds_left
from resolvers import categories, legacy, objects, tasks, uploads, videos
from resolvers.context import Context
from resolvers.uploads import NewUpload
from schema import ids, nodes, upload_targets
from schema.categories import Category, key_of
from schema.connections import connection
from schema.enums import UploadPurpose, UploadStatus
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.costs import LIST_SIZE, ListSize
from schema.execution.fields import column, computed, inside, relation
from schema.info import Info
from schema.legacy import UploadSessionLegacy
from schema.nodes import Node
from schema.objects import StoredObject
from schema.optional import given
from schema.scalars import Bytes, Sha256
from schema.task_errors import TaskError
from schema.tasks import VerifyTask
from schema.upload_targets import UploadTarget
from schema.videos import Video

SessionId = Annotated[strawberry.ID, strawberry.argument(description="Id of the upload session.")]


@strawberry.type(
    description="A file on its way to us, in chunks: any order, any number at once, each any"
    " number of times. Over tus: in order, from the start."
)
class UploadSession(Node):
    model: ClassVar = models.UploadSession

    status: UploadStatus = strawberry.field(description="How far it is.")
    title: str = strawberry.field(description="Title of the future video.")
    description: str | None = strawberry.field(
        description="Description of the future video; null when none was given."
    )
    device_type: str | None = strawberry.field(
        description="What the client said it is; null when it did not."
    )
    purpose: UploadPurpose = strawberry.field(description="What becomes of the file.")

    @relation(
        Category | None,
        of="category_id",
        description="The category that its video is to be kept in; null for the default one.",
    )
    @staticmethod
    def category(ctx: Context) -> Rows:
        return categories.own(ctx)

    file_name: str | None = strawberry.field(
        description="Name of the file; null when none was given."
    )
    sha256: Sha256 | None = strawberry.field(
        description="Digest of the whole file, as announced; null until it is known."
    )
    file_size: Bytes = strawberry.field(description="Bytes of the whole file.")
    chunk_size: Bytes = strawberry.field(description="Bytes of every chunk but the last.")
    total_chunks: int = computed(
        count_chunks, "file_size", "chunk_size", description="How many chunks there are."
    )
    completed_chunks: int = column("received_chunks", description="How many have arrived.")
    received_bytes: Bytes = strawberry.field(description="Bytes of the chunks that have arrived.")
    progress_percent: float = computed(
        percent,
        "received_bytes",
        "file_size",
        description="Part of the bytes that has arrived, 0.0 to 100.0.",
    )
    bytes_per_second: float | None = column(
        "speed", description="How fast bytes came lately; null before the first ones."
    )
    seconds_left: int | None = computed(
        seconds_left,
        "received_bytes",
        "file_size",
        "speed",
        description="How long the rest takes at that speed; null before the first bytes.",
    )
    error: TaskError | None = inside(
        "error_code", description="Why the file was refused; null otherwise."
    )
    created_at: datetime = strawberry.field(description="When it was opened.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    expires_at: datetime = strawberry.field(description="Until when it takes chunks.")

    @strawberry.field(description="Indexes of the chunks that have not arrived, ascending.")
    @staticmethod
    async def missing_chunks(
        root: strawberry.Parent[models.UploadSession], info: Info
    ) -> list[int]:
        return await uploads.missing_chunks(info.context, root)

    @strawberry.field(
        description="Where to send these chunks; an error once the session is closed.",
        metadata={LIST_SIZE: ListSize(argument="indexes")},
    )
    @staticmethod
    async def targets(
        root: strawberry.Parent[models.UploadSession],
        info: Info,
        indexes: Annotated[
            list[int],
            strawberry.argument(description="Indexes of chunks, from 1; up to 1000 of them."),
        ],
    ) -> list[UploadTarget]:
        found = uploads.targets(info.context, root, indexes)
        return [upload_targets.shown(target) for target in found]

    @relation(UploadSessionLegacy, of="id", description="The same in the terms of older systems.")
    @staticmethod
    def legacy(ctx: Context) -> Rows:
        return legacy.of_upload(ctx)

    @relation(
        Video | None,
        of="video_id",
        description="The video that it becomes, there from the beginning; null for other purposes,"
        " before VERIFYING for what is fetched, and once an upload was given up.",
    )
    @staticmethod
    def video(ctx: Context) -> Rows:
        return videos.own(ctx)

    @relation(
        StoredObject | None,
        of="object_id",
        description="The stored file; null before COMPLETED.",
    )
    @staticmethod
    def stored_object(ctx: Context) -> Rows:
        return objects.own(ctx)

    @relation(
        VerifyTask | None,
        of="id",
        description="The check of the whole file; null before VERIFYING.",
    )
    @staticmethod
    def task(ctx: Context) -> Rows:
        return tasks.of_upload(ctx)


nodes.register(UploadSession)


@strawberry.type
class UploadQuery:
    @relation(
        UploadSession | None,
        description="One upload session of yours; null when there is no such one.",
    )
    @staticmethod
    def upload_session(ctx: Context, id: SessionId) -> Rows | None:
        return uploads.by_id(ctx, ids.find(id, "UploadSession"))

    @connection(UploadSession, description="Your upload sessions, newest first.")
    @staticmethod
    def upload_sessions(
        ctx: Context,
        window: Window,
        *,
        status: Annotated[
            list[UploadStatus] | None,
            strawberry.argument(description="Only sessions in these states; an empty list is any."),
        ] = UNSET,
        device_type: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Only sessions of these kinds of clients; an empty list is any."
            ),
        ] = UNSET,
    ) -> Rows:
        return uploads.page(ctx, window, statuses=status or None, device_types=device_type or None)


@strawberry.input(description="A file that you are about to send.")
class CreateUploadSessionInput:
    title: str = strawberry.field(description="Title of the video, 1 to 255 characters.")
    sha256: Sha256 = strawberry.field(description="Digest of the whole file.")
    file_size: Bytes = strawberry.field(
        description="Bytes of the whole file; `limits` has the most."
    )
    description: str | None = strawberry.field(
        default=UNSET, description="Description of the video, up to 5000 characters."
    )
    chunk_size: Bytes | None = strawberry.field(
        default=UNSET, description="Bytes of every chunk but the last; without it we choose."
    )
    total_chunks: int | None = strawberry.field(
        default=UNSET, description="How many chunks; must agree with `chunkSize` if both are given."
    )
    chunk_sha256: list[Sha256] | None = strawberry.field(
        default=UNSET,
        description="Digest of each chunk in order, to have all of them checked as they arrive.",
    )
    file_name: str | None = strawberry.field(
        default=UNSET, description="Name of the file, up to 255 characters."
    )
    content_type: str | None = strawberry.field(
        default=UNSET, description="Media type of the file."
    )
    device_type: str | None = strawberry.field(
        default=UNSET, description="What kind of client you are, up to 32 characters."
    )
    purpose: UploadPurpose = strawberry.field(
        default=UploadPurpose.VIDEO, description="What is to become of the file."
    )
    category_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of the category that the video is to be kept in."
    )
    owner_phone: str | None = strawberry.field(
        default=UNSET,
        description="Phone number of whoever the video is uploaded for, up to 32 characters.",
    )
    skip_auto_transcode: bool = strawberry.field(
        default=False, description="Whether nothing is to be transcoded by itself."
    )


@strawberry.input(description="Ends the sending of chunks.")
class CompleteUploadSessionInput:
    id: strawberry.ID = strawberry.field(description="Id of the upload session.")
    final_sha256: Sha256 = strawberry.field(
        name="finalSha256", description="Digest of the whole file, as you know it now."
    )


@strawberry.type(description="The upload session as it is now.")
class UploadSessionPayload(MutationPayload):
    upload_session: UploadSession | None = strawberry.field(
        default=None, description="The session; null when there are errors."
    )


@strawberry.type
class UploadMutation:
    @strawberry.mutation(
        description="Announce a file and open a session to send it in. A video is there at once.",
        extensions=[ExpectedErrors(UploadSessionPayload)],
    )
    async def create_upload_session(
        self,
        info: Info,
        input: Annotated[
            CreateUploadSessionInput, strawberry.argument(description="The file to come.")
        ],
    ) -> UploadSessionPayload:
        purpose = UploadPurpose(input.purpose)
        if purpose is UploadPurpose.PARTIAL:
            raise InvalidArgument("Only tus clients send pieces of files.", path=["purpose"])
        new = NewUpload(
            title=input.title,
            description=input.description or None,
            sha256=input.sha256,
            file_size=input.file_size,
            chunk_size=given(input.chunk_size),
            total_chunks=given(input.total_chunks),
            chunk_digests=input.chunk_sha256 or None,
            file_name=input.file_name or None,
            content_type=input.content_type or None,
            device_type=input.device_type or None,
            purpose=purpose,
            category_id=key_of(input.category_id),
            owner_phone=input.owner_phone or None,
            skip_auto_transcode=input.skip_auto_transcode,
        )
        row = await uploads.create(info.context, new)
        return UploadSessionPayload(upload_session=cast("UploadSession", row))

    @strawberry.mutation(
        description="Count the chunks that were sent to the object store itself; nothing to do"
        " where they come to us.",
        extensions=[ExpectedErrors(UploadSessionPayload)],
    )
    async def refresh_upload_session(self, info: Info, id: SessionId) -> UploadSessionPayload:
        row = await uploads.refresh(info.context, ids.decode(id, "UploadSession"))
        return UploadSessionPayload(upload_session=cast("UploadSession", row))

    @strawberry.mutation(
        description="Say that every chunk was sent. The file is then hashed, probed and made into"
        " a video in the background: watch the session. Repeating it changes nothing.",
        extensions=[ExpectedErrors(UploadSessionPayload)],
    )
    async def complete_upload_session(
        self,
        info: Info,
        input: Annotated[
            CompleteUploadSessionInput, strawberry.argument(description="Which session.")
        ],
    ) -> UploadSessionPayload:
        key = ids.decode(input.id, "UploadSession")
        row = await uploads.complete(info.context, key, input.final_sha256)
        return UploadSessionPayload(upload_session=cast("UploadSession", row))

    @strawberry.mutation(
        description="Give an upload up before it is complete. Its bytes and its video are removed.",
        extensions=[ExpectedErrors(UploadSessionPayload)],
    )
    async def cancel_upload_session(self, info: Info, id: SessionId) -> UploadSessionPayload:
        row = await uploads.cancel(info.context, ids.decode(id, "UploadSession"))
        return UploadSessionPayload(upload_session=cast("UploadSession", row))
