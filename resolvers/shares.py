"""Sharing: an owner says who may see a video, and viewers ask for it."""

from uuid import UUID

from db import events, shares, video_states, videos
from db.models import Video
from domain import passwords
from domain.errors import InvalidArgument, NotFound
from domain.events import EventType
from domain.shares import (
    Locked,
    NotAvailable,
    PasswordRequired,
    PasswordWrong,
    Refusal,
    caller_of,
    is_less_open,
)
from domain.text import is_storable
from domain.trash import check_live
from domain.videos import ShareState
from resolvers.context import Context


async def change(
    ctx: Context, id: UUID, *, state: ShareState, password: str | None = None
) -> Video:
    """Say who may see a video. Without a password it keeps the one that it has.

    What viewers play ends when fewer of them may, or when the password is another.
    """
    account_id = ctx.account_id
    plain = _given(state, password)
    stored = await _stored(ctx, id, plain)
    async with ctx.services.db.write() as session:
        video = await shares.lock(session, account_id, id)
        if video is None:
            raise NotFound("Video", id, path=["id"])
        _check(video, state, stored)
        if plain is None and video.share_state is state:
            return video
        ends = _ends_playback(video, state, stored)
        video.share_state = state
        if plain is not None:
            video.share_password_hash = stored
            video.share_password_sealed = ctx.services.passwords.sealed(plain, video.id)
        if ends:
            await video_states.end_playback(session, [video.id])
        await events.tell(session, EventType.VIDEO_UPDATED, [video])
        return await videos.fresh(session, video)


def _given(state: ShareState, password: str | None) -> str | None:
    """The password in the form that is stored. Raises `InvalidArgument` or `PasswordTooLong`."""
    if password is None:
        return None
    if state is not ShareState.PASSWORD:
        raise InvalidArgument(f"A video that is {state.name} takes no password.", path=["password"])
    return passwords.checked(password)


async def _stored(ctx: Context, id: UUID, plain: str | None) -> str | None:
    """How the password is to be stored, if there is one: as before when it is the same.

    This takes long, so it is done before the transaction that needs it.
    """
    async with ctx.services.db.read() as session:
        video = await shares.of_account(session, ctx.account_id, id)
    if video is None:
        raise NotFound("Video", id, path=["id"])
    if plain is None:
        return None
    known, former = ctx.services.passwords, video.share_password_hash
    async with known.turns:
        if former is not None and await known.matches(plain, former):
            return former
        return await known.digest(plain)


def _check(video: Video, state: ShareState, stored: str | None) -> None:
    if failure := check_live(video.status, path=["id"]):
        raise failure
    if state is ShareState.PASSWORD and stored is None and video.share_password_hash is None:
        raise InvalidArgument("The video has no password yet: give one.", path=["password"])


def _ends_playback(video: Video, state: ShareState, stored: str | None) -> bool:
    """Whether somebody may not see it any more who could. A first password keeps nobody out."""
    former = video.share_password_hash
    is_another = stored is not None and former is not None and stored != former
    return is_less_open(state, video.share_state) or is_another


async def shared(
    ctx: Context, *, id: UUID | None, vid: str | None, password: str | None
) -> Video | Refusal:
    """A video as everybody may ask for it, also without a key; the owner is nobody special."""
    if vid is not None and not is_storable(vid):
        return NotAvailable()
    async with ctx.services.db.read() as session:
        video = await shares.published(session, id=id, vid=vid)
    if video is None or video.share_state is ShareState.PRIVATE:
        return NotAvailable()
    if video.share_state is ShareState.PUBLIC:
        return video
    if password is None:
        return PasswordRequired()
    return await _tried(ctx, video, password) or video


async def _tried(ctx: Context, video: Video, password: str) -> Refusal | None:
    """Try the password; None when it is right. No others are looked at above the limits.

    Several are worked out at once, also by other processes, but answered one after another: one
    that turns out to be above the limits is not told whether it was right.
    """
    caller = caller_of(ctx.viewer and ctx.viewer.account_id, ctx.client)
    known, stored = ctx.services.passwords, video.share_password_hash or ""
    if known.recalls(password, stored):
        return await _counted(ctx, video.id, caller, is_right=True)
    async with known.turns:
        async with ctx.services.db.read() as session:
            retry_at = (await shares.wrong(session, video.id, caller)).retry_at
        if retry_at is not None:
            return Locked(retry_at)
        is_right = await known.matches(password, stored)
        return await _counted(ctx, video.id, caller, is_right=is_right)


async def _counted(ctx: Context, id: UUID, caller: str, *, is_right: bool) -> Refusal | None:
    async with ctx.services.db.write() as session:
        if not is_right and not await shares.turn(session, id):
            return NotAvailable()
        wrong = await shares.wrong(session, id, caller)
        if wrong.retry_at is not None:
            return Locked(wrong.retry_at)
        if not is_right:
            await shares.add_wrong(session, id, caller)
            return PasswordWrong(wrong.left - 1)
        if wrong.of_caller:
            await shares.clear(session, id, caller)
        return None
