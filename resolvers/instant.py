"""Instant upload: a file that we have already becomes a video of whoever else has it.

What is asked first says nothing of other accounts: everybody gets a challenge for every hash.
A stranger without the file and one who names an unknown file get the same refusal at the same
time.
"""

import asyncio
import hmac
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from db import challenges, objects, uploads, videos
from db.models import Content, UploadSession, Video
from db.objects import NewObject
from domain import details, possession, text
from domain.errors import LinkExpired, LinkInvalid, PossessionNotProven
from domain.possession import NONCE_BYTES, Claim
from domain.uploads import plan_chunks
from jobs import plans
from jobs.plans import NewVideo
from resolvers import categories
from resolvers.context import Context
from storage.base import ObjectStore

log = logging.getLogger(__name__)

REFUSAL_S = 0.25
"""When a wrong answer is refused: after this time, or a multiple of it."""
READING_S = 5.0
"""How long the store may take to read the pieces."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """Pieces of a file to be shown by `domain.possession.proof` under the nonce."""

    token: str
    nonce: bytes
    pieces: Sequence[range]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """What the caller has of a file already, and how to show that it has all of it."""

    video: Video | None
    resumable: UploadSession | None
    challenge: Challenge
    chunk_size: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What the video is to be called that is made of a file we have."""

    title: str
    description: str | None = None
    file_name: str | None = None
    category_id: UUID | None = None
    owner_phone: str | None = None
    skip_auto_transcode: bool = False


async def check(ctx: Context, claim: Claim) -> Check:
    """What to do with a file of this hash and size, before any of its bytes are sent."""
    account_id, store = ctx.account_id, ctx.services.store
    plan = plan_chunks(claim.size, least=store.least_part, most=ctx.services.limits.file_size)
    async with ctx.services.db.read() as session:
        video = await videos.of_digest(session, account_id, sha256=claim.sha256, size=claim.size)
        resumable = await uploads.resumable(session, account_id, claim.sha256)
    if resumable is not None and resumable.file_size != claim.size:
        resumable = None
    return Check(video, resumable, _challenge(ctx, account_id, claim), plan.chunk_size)


def _challenge(ctx: Context, account_id: UUID, claim: Claim) -> Challenge:
    nonce = secrets.token_bytes(NONCE_BYTES)
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=possession.SECONDS)
    said = b"".join((account_id.bytes, nonce, bytes.fromhex(claim.sha256), claim.size.to_bytes(8)))
    return Challenge(
        ctx.services.challenges.seal(said, ends), nonce, _pieces(ctx, nonce, claim.size), ends
    )


def _pieces(ctx: Context, nonce: bytes, size: int) -> list[range]:
    seed = ctx.services.challenges.derive(nonce)
    return possession.pieces(seed, size, ctx.services.limits.possession_ranges)


async def prove(ctx: Context, token: str, proof: str, new: Taken) -> Video:
    """Make a video of a file we have, for a caller who has shown to have it too.

    Raises `PossessionNotProven`, always at the same time; the file is to be uploaded then.
    """
    title = text.title(new.title)
    description = text.optional("description", new.description, text.MAX_DESCRIPTION)
    async with ctx.services.db.read() as session:
        await categories.check(session, ctx.account_id, new.category_id)
    named = replace(
        new,
        title=title,
        description=description,
        file_name=text.file_name(new.file_name),
        owner_phone=details.phone(new.owner_phone),
    )
    loop = asyncio.get_running_loop()
    asked_at = loop.time()
    try:
        content = await _proven(ctx, token, proof)
        return await _take(ctx, content, named)
    except PossessionNotProven:
        log.warning("account %s could not show a file that it wanted to take over", ctx.account_id)
        passed = loop.time() - asked_at
        await asyncio.sleep(REFUSAL_S - passed % REFUSAL_S)
        raise


async def _proven(ctx: Context, token: str, proof: str) -> Content:
    nonce, claim = await _spend(ctx, token)
    async with ctx.services.db.write() as session:
        content = await objects.sound(session, sha256=claim.sha256, size=claim.size)
    if content is None:
        raise PossessionNotProven
    contents = await _read(ctx.services.store, content, _pieces(ctx, nonce, claim.size))
    if not hmac.compare_digest(possession.proof(nonce, contents), proof):
        raise PossessionNotProven
    return content


async def _spend(ctx: Context, token: str) -> tuple[bytes, Claim]:
    """What the challenge was about. It can be answered once, rightly or wrongly."""
    try:
        said, expires_at = ctx.services.challenges.unseal(token)
    except (LinkInvalid, LinkExpired):
        raise PossessionNotProven from None
    account, nonce, sha256, size = said[:16], said[16:48], said[48:80], said[80:]
    async with ctx.services.db.write() as session:
        first = await challenges.spend(session, nonce, expires_at=expires_at)
    if not first or account != ctx.account_id.bytes:
        raise PossessionNotProven
    return nonce, Claim(sha256.hex(), int.from_bytes(size))


async def _read(store: ObjectStore, content: Content, pieces: Sequence[range]) -> list[bytes]:
    """Whatever goes wrong looks like an unknown file: else it would tell that it is known."""
    try:
        async with asyncio.timeout(READING_S):
            return await store.read_ranges(content.key, pieces)
    except Exception as failure:
        log.exception("pieces of content %s could not be read", content.sha256)
        raise PossessionNotProven from failure


async def _take(ctx: Context, proven: Content, new: Taken) -> Video:
    """The content may have gone since it was read: then nothing is left but to upload it."""
    account_id, limits = ctx.account_id, ctx.services.limits
    async with ctx.services.db.write() as session:
        held = await objects.holds(session, account_id, proven.sha256)
        await uploads.make_room(session, account_id, 0 if held else proven.size, limits)
        content = await objects.sound(session, sha256=proven.sha256, size=proven.size)
        if content is None or content.key != proven.key:
            raise PossessionNotProven
        name = NewObject(account_id, new.file_name, text.OCTETS)
        stored = await objects.hold(session, content, name)
        video = await plans.add_video(
            session,
            NewVideo(
                account_id=account_id,
                title=new.title,
                description=new.description,
                file_size=content.size,
                category_id=new.category_id,
                owner_phone=new.owner_phone,
                skip_auto_transcode=new.skip_auto_transcode,
            ),
        )
        await plans.begin(session, ctx.services.queue, video, content, stored)
        return await videos.fresh(session, video)
