"""Upload sessions."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from db import models
from resolvers import uploads
from resolvers.uploads import NewUpload
from schema import ids, nodes
from schema.connections import After, Before, Connection, First, Last, connection, window
from schema.enums import UploadStatus
from schema.errors import ExpectedErrors, MutationPayload
from schema.info import Info
from schema.nodes import Node
from schema.scalars import Bytes, Sha256, Url
from schema.tasks import TaskError, VerifyTask
from schema.videos import Video

SessionId = Annotated[strawberry.ID, strawberry.argument(description="Id of the upload session.")]


@strawberry.type(description="A header to send with a request.")
class Header:
    name: str = strawberry.field(description="Name of the header.")
    value: str = strawberry.field(description="Its value, to be sent unchanged.")


@strawberry.type(
    description="Where to send one chunk: its raw bytes as the body of one request. An optional"
    " header `x-amz-checksum-sha256` (base64) has the chunk checked while it arrives."
)
class UploadTarget:
    chunk_index: int = strawberry.field(description="Index of the chunk, from 1.")
    method: str = strawberry.field(description="HTTP method of the request.")
    url: Url = strawberry.field(description="Signed URL of the request.")
    headers: list[Header] = strawberry.field(description="Headers that the request must have.")
    expires_at: datetime = strawberry.field(description="When the URL ends.")


@strawberry.type(
    description="A file on its way to us, in chunks: any order, any number at once, each any"
    " number of times."
)
class UploadSession(Node):
    row: strawberry.Private[models.UploadSession]
    status: UploadStatus = strawberry.field(description="How far it is.")
    title: str = strawberry.field(description="Title of the future video.")
    description: str | None = strawberry.field(
        description="Description of the future video; null when none was given."
    )
    device_type: str | None = strawberry.field(
        description="What the client said it is; null when it did not."
    )
    sha256: Sha256 = strawberry.field(description="Digest of the whole file, as announced.")
    file_size: Bytes = strawberry.field(description="Bytes of the whole file.")
    chunk_size: Bytes = strawberry.field(description="Bytes of every chunk but the last.")
    total_chunks: int = strawberry.field(description="How many chunks there are.")
    completed_chunks: int = strawberry.field(description="How many have arrived.")
    received_bytes: Bytes = strawberry.field(description="Bytes of the chunks that have arrived.")
    progress_percent: float = strawberry.field(
        description="Part of the bytes that has arrived, 0.0 to 100.0."
    )
    error: TaskError | None = strawberry.field(
        description="Why the file was refused; null otherwise."
    )
    created_at: datetime = strawberry.field(description="When it was opened.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    expires_at: datetime = strawberry.field(description="Until when it takes chunks.")

    @strawberry.field(description="Indexes of the chunks that have not arrived, ascending.")
    async def missing_chunks(self, info: Info) -> list[int]:
        plan = uploads.plan_of(self.row)
        return plan.missing(set(await info.context.load.received_chunks.load(self.row.id)))

    @strawberry.field(
        description="Where to send these chunks; an error once the session is closed."
    )
    async def targets(
        self,
        info: Info,
        indexes: Annotated[
            list[int],
            strawberry.argument(description="Indexes of chunks, from 1; up to 1000 of them."),
        ],
    ) -> list[UploadTarget]:
        return [
            UploadTarget(
                chunk_index=target.number,
                method="PUT",
                url=Url(target.url),
                headers=[Header(name="Content-Type", value="application/octet-stream")],
                expires_at=target.expires_at,
            )
            for target in uploads.targets(info.context, self.row, indexes)
        ]

    @strawberry.field(description="The video it became; null before COMPLETED.")
    async def video(self, info: Info) -> Video | None:
        id = self.row.video_id
        return nodes.of(await info.context.load.video.load(id)) if id else None

    @strawberry.field(description="The check of the whole file; null before VERIFYING.")
    async def task(self, info: Info) -> VerifyTask | None:
        return nodes.of(await info.context.load.task_of_upload.load(self.row.id))

    @classmethod
    def of(cls, row: models.UploadSession) -> Self:
        return cls(
            id=strawberry.ID(ids.encode("UploadSession", row.id)),
            row=row,
            status=row.status,
            title=row.title,
            description=row.description,
            device_type=row.device_type,
            sha256=Sha256(row.sha256),
            file_size=Bytes(row.file_size),
            chunk_size=Bytes(row.chunk_size),
            total_chunks=uploads.plan_of(row).total,
            completed_chunks=row.received_chunks,
            received_bytes=Bytes(row.received_bytes),
            progress_percent=round(100 * row.received_bytes / row.file_size, 2),
            error=TaskError.of(row.error_code, row.error_message),
            created_at=row.created_at,
            updated_at=row.updated_at,
            expires_at=row.expires_at,
        )


nodes.of.register(models.UploadSession, UploadSession.of)


@strawberry.type
class UploadQuery:
    @strawberry.field(description="One upload session of yours; null when there is no such one.")
    async def upload_session(self, info: Info, id: SessionId) -> UploadSession | None:
        key = ids.find(id, "UploadSession")
        return nodes.of(await info.context.load.upload.load(key)) if key else None

    @strawberry.field(description="Your upload sessions, newest first.")
    async def upload_sessions(
        self,
        info: Info,
        *,
        first: First = 15,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        status: Annotated[
            list[UploadStatus] | None,
            strawberry.argument(description="Only sessions in these states."),
        ] = UNSET,
    ) -> Connection[UploadSession]:
        ctx, statuses = info.context, status or None
        page = await uploads.page(ctx, window(first, after, last, before), statuses)
        return connection(
            page,
            UploadSession.of,
            uploads.cursor,
            lambda: uploads.count(ctx, statuses),
        )


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
    device_type: str | None = strawberry.field(
        default=UNSET, description="What kind of client you are, up to 32 characters."
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
        description="Announce a file and open a session to send it in.",
        extensions=[ExpectedErrors(UploadSessionPayload)],
    )
    async def create_upload_session(
        self,
        info: Info,
        input: Annotated[
            CreateUploadSessionInput, strawberry.argument(description="The file to come.")
        ],
    ) -> UploadSessionPayload:
        new = NewUpload(
            title=input.title,
            description=input.description or None,
            sha256=input.sha256,
            file_size=input.file_size,
            chunk_size=_given(input.chunk_size),
            total_chunks=_given(input.total_chunks),
            device_type=input.device_type or None,
        )
        row = await uploads.create(info.context, new)
        return UploadSessionPayload(upload_session=UploadSession.of(row))

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
        return UploadSessionPayload(upload_session=UploadSession.of(row))

    @strawberry.mutation(
        description="Give an upload up before it is complete; its bytes are removed.",
        extensions=[ExpectedErrors(UploadSessionPayload)],
    )
    async def cancel_upload_session(self, info: Info, id: SessionId) -> UploadSessionPayload:
        row = await uploads.cancel(info.context, ids.decode(id, "UploadSession"))
        return UploadSessionPayload(upload_session=UploadSession.of(row))


def _given(value: int | None) -> int | None:
    """An optional argument, with "absent" the same as null; 0 is a value."""
    return None if value is UNSET else value
