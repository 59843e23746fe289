"""Uploads whose bytes come within GraphQL requests."""

from typing import Annotated, cast

import strawberry
from strawberry import UNSET

from resolvers import chunks, objects
from resolvers.uploads import NewUpload
from schema import ids
from schema.categories import key_of
from schema.errors import ExpectedErrors
from schema.info import Info
from schema.scalars import Bytes, Sha256, Upload
from schema.uploads import UploadSession, UploadSessionPayload
from schema.videos import Video, VideoPayload


@strawberry.input(description="One chunk in the body of a GraphQL request.")
class UploadChunkInput:
    session_id: strawberry.ID = strawberry.field(description="Id of the upload session.")
    index: int = strawberry.field(description="Index of the chunk, from 1.")
    sha256: Sha256 = strawberry.field(description="Digest of the chunk.")
    size: Bytes = strawberry.field(description="Bytes of the chunk.")
    file: Upload = strawberry.field(
        description="The chunk, by the GraphQL multipart request specification; `limits` has the"
        " most bytes."
    )


@strawberry.input(description="A whole small video in the body of a GraphQL request.")
class UploadSmallVideoInput:
    title: str = strawberry.field(description="Title of the video, 1 to 255 characters.")
    sha256: Sha256 = strawberry.field(description="Digest of the file.")
    file: Upload = strawberry.field(
        description="The file, by the GraphQL multipart request specification; `limits` has the"
        " most bytes."
    )
    description: str | None = strawberry.field(
        default=UNSET, description="Description of the video, up to 5000 characters."
    )
    device_type: str | None = strawberry.field(
        default=UNSET, description="What kind of client you are, up to 32 characters."
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


@strawberry.type
class FileMutation:
    @strawberry.mutation(
        description="Send one chunk within GraphQL, by a multipart request. The links of"
        " `targets` are cheaper.",
        extensions=[ExpectedErrors(UploadSessionPayload)],
    )
    async def upload_chunk(
        self,
        info: Info,
        input: Annotated[UploadChunkInput, strawberry.argument(description="The chunk.")],
    ) -> UploadSessionPayload:
        key = ids.decode(input.session_id, "UploadSession", path=("sessionId",))
        row = await chunks.receive_file(
            info.context,
            key,
            input.index,
            input.file,
            size=input.size,
            sha256=input.sha256,
        )
        return UploadSessionPayload(upload_session=cast("UploadSession", row))

    @strawberry.mutation(
        description="Send a whole small video by one multipart request.",
        extensions=[ExpectedErrors(VideoPayload)],
    )
    async def upload_small_video(
        self,
        info: Info,
        input: Annotated[UploadSmallVideoInput, strawberry.argument(description="The video.")],
    ) -> VideoPayload:
        file = input.file
        new = NewUpload(
            title=input.title,
            description=input.description or None,
            sha256=input.sha256,
            file_size=file.size,
            total_chunks=1,
            file_name=file.name,
            content_type=file.content_type,
            device_type=input.device_type or None,
            category_id=key_of(input.category_id),
            owner_phone=input.owner_phone or None,
            skip_auto_transcode=input.skip_auto_transcode,
        )
        row = await objects.upload_video(info.context, file, new)
        return VideoPayload(video=cast("Video", row))
