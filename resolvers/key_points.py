"""Key points: which ones a caller has, and what becomes of them."""

from collections.abc import Sequence
from uuid import UUID

from db import key_points, videos
from db.models import KeyPoint, Video
from db.rows import Rows
from db.session import WriteSession
from domain import details, text
from domain.errors import InvalidArgument, InvalidState, LimitExceeded, NotFound
from domain.key_points import MAX_DESCRIPTION, MAX_KEY_POINTS
from domain.trash import check_live
from resolvers import updates
from resolvers.context import Context


def own(ctx: Context) -> Rows:
    """Key points of the caller's videos, by their keys."""
    return Rows.of(key_points.KEY_POINTS, by="id", account_id=ctx.account_id)


def of_video(_ctx: Context) -> Rows:
    """Key points of videos that the caller may see, in the order of their moments."""
    return Rows.of(key_points.KEY_POINTS, by="video_id")


async def add(ctx: Context, video_id: UUID, *, at_ms: int, description: str) -> KeyPoint:
    """Mark a moment of one of the caller's videos. There is one mark at a moment."""
    account_id, sentence = ctx.account_id, _description(description)
    async with ctx.services.db.write() as session:
        video = await updates.own(session, account_id, video_id, path="videoId")
        await _check_moment(session, video, at_ms)
        actual = await key_points.count(session, video.id) + 1
        if actual > MAX_KEY_POINTS:
            raise LimitExceeded("The number of key points", limit=MAX_KEY_POINTS, actual=actual)
        row = KeyPoint(video_id=video.id, at_ms=at_ms, description=sentence)
        await _save(session, video, row)
    return row


async def change(
    ctx: Context, id: UUID, video_id: UUID, *, at_ms: int, description: str
) -> KeyPoint:
    """Move a mark of this video, or describe it in other words."""
    account_id, sentence = ctx.account_id, _description(description)
    async with ctx.services.db.write() as session:
        video = await updates.own(session, account_id, video_id, path="videoId")
        row = (await key_points.of_account(session, account_id, [id])).get(id)
        if row is None or row.video_id != video.id:
            raise NotFound("KeyPoint", id, path=["id"])
        await _check_moment(session, video, at_ms, of=id)
        if (row.at_ms, row.description) != (at_ms, sentence):
            row.at_ms, row.description = at_ms, sentence
            await _save(session, video, row)
    return row


async def delete(ctx: Context, ids: Sequence[UUID]) -> None:
    """Remove marks of the caller's videos: all of them, or none when one is not there."""
    account_id = ctx.account_id
    async with ctx.services.db.write() as session:
        known = await key_points.of_account(session, account_id, ids)
        marked = sorted({row.video_id for row in known.values()})
        changed = await videos.lock_all(session, account_id, marked)
        for video in changed.values():
            if failure := check_live(video.status, path=["ids"]):
                raise failure
        gone = await key_points.remove(session, list(known))
        for id in ids:
            if id not in gone:
                raise NotFound("KeyPoint", id, path=["ids"])
        if changed:
            await videos.touch(session, marked)
            await updates.record(session, *changed.values())


def _description(value: str) -> str:
    return text.required("description", value, MAX_DESCRIPTION)


async def _check_moment(
    session: WriteSession, video: Video, at_ms: int, *, of: UUID | None = None
) -> None:
    """Whether a mark may be at this moment of a locked video; `of` is the one to be moved."""
    if video.duration_ms is None:
        raise InvalidState(
            "The video, of which nobody knows how long it is,",
            current=video.status.name,
            allowed=["PUBLISHED"],
            path=["videoId"],
        )
    details.check_moment(at_ms, video.duration_ms, path=["atMs"])
    there = await key_points.at(session, video.id, at_ms)
    if there is not None and there.id != of:
        raise InvalidArgument(f"There is a key point at {at_ms} ms already.", path=["atMs"])


async def _save(session: WriteSession, video: Video, row: KeyPoint) -> None:
    await key_points.save(session, row)
    await videos.touch(session, [video.id])
    await updates.record(session, video)
