"""Instant upload: asking before sending, and showing that one has the file."""

import base64
from datetime import datetime
from typing import Annotated, cast

import strawberry
from strawberry import UNSET

from domain.possession import Claim
from resolvers import instant
from resolvers.instant import Taken
from schema.categories import key_of
from schema.errors import ExpectedErrors
from schema.execution.costs import LIST_SIZE, ListSize
from schema.info import Info
from schema.scalars import Bytes, Sha256
from schema.uploads import UploadSession
from schema.videos import Video, VideoPayload


@strawberry.type(description="A stretch of a file.")
class ByteRange:
    start: Bytes = strawberry.field(description="Its first byte, from 0.")
    end: Bytes = strawberry.field(description="The byte after its last one.")


@strawberry.type(
    description="Pieces of the file that only who has it can know. The proof is the HMAC-SHA256,"
    " with the nonce's bytes as the key, of the bytes of all ranges in their order. Everybody"
    " gets a challenge for every hash; it does not say that the file is known."
)
class PossessionChallenge:
    token: str = strawberry.field(description="To be sent back with the proof, once.")
    nonce: str = strawberry.field(description="The key, in base64.")
    ranges: list[ByteRange] = strawberry.field(
        description="Which bytes of the file.", metadata={LIST_SIZE: ListSize(16)}
    )
    expires_at: datetime = strawberry.field(description="When it is too late for the answer.")


@strawberry.type(description="What to do with a file before any of its bytes are sent.")
class UploadCheck:
    video: Video | None = strawberry.field(
        description="A video of yours of the same bytes; null when there is none."
    )
    resumable: UploadSession | None = strawberry.field(
        description="An open session of yours for the same bytes, to go on with."
    )
    challenge: PossessionChallenge = strawberry.field(
        description="For `proveUploadPossession`, which spares you the upload if the file is known."
    )
    suggested_chunk_size: Bytes = strawberry.field(
        description="Bytes of a chunk that we would choose for this file."
    )


@strawberry.type
class InstantQuery:
    @strawberry.field(description="Ask before you upload a file: perhaps you need not.")
    async def check_upload(
        self,
        info: Info,
        sha256: Annotated[Sha256, strawberry.argument(description="Digest of the whole file.")],
        file_size: Annotated[Bytes, strawberry.argument(description="Bytes of the whole file.")],
    ) -> UploadCheck:
        found = await instant.check(info.context, Claim(sha256, file_size))
        asked = found.challenge
        return UploadCheck(
            video=cast("Video | None", found.video),
            resumable=cast("UploadSession | None", found.resumable),
            challenge=PossessionChallenge(
                token=asked.token,
                nonce=base64.b64encode(asked.nonce).decode(),
                ranges=[
                    ByteRange(start=Bytes(one.start), end=Bytes(one.stop)) for one in asked.pieces
                ],
                expires_at=asked.expires_at,
            ),
            suggested_chunk_size=Bytes(found.chunk_size),
        )


@strawberry.input(description="The answer to a possession challenge, and the video to be made.")
class ProveUploadPossessionInput:
    token: str = strawberry.field(description="The challenge's.")
    proof: Sha256 = strawberry.field(description="See `PossessionChallenge`; in hexadecimal.")
    title: str = strawberry.field(description="Title of the video, 1 to 255 characters.")
    description: str | None = strawberry.field(
        default=UNSET, description="Description of the video, up to 5000 characters."
    )
    file_name: str | None = strawberry.field(
        default=UNSET, description="Name of the file, up to 255 characters."
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
class InstantMutation:
    @strawberry.mutation(
        description="Have a video made of a file without sending it. POSSESSION_NOT_PROVEN means:"
        " upload it. A challenge can be answered once.",
        extensions=[ExpectedErrors(VideoPayload)],
    )
    async def prove_upload_possession(
        self,
        info: Info,
        input: Annotated[
            ProveUploadPossessionInput, strawberry.argument(description="The answer.")
        ],
    ) -> VideoPayload:
        new = Taken(
            title=input.title,
            description=input.description or None,
            file_name=input.file_name or None,
            category_id=key_of(input.category_id),
            owner_phone=input.owner_phone or None,
            skip_auto_transcode=input.skip_auto_transcode,
        )
        row = await instant.prove(info.context, input.token, input.proof, new)
        return VideoPayload(video=cast("Video", row))
