"""Plays: who may report them."""

from dataclasses import replace
from uuid import UUID

from db import plays, videos
from db.models import Play
from domain.errors import InvalidState, LinkInvalid, NotFound
from domain.playback_rules import AddressNotAllowed, Client
from domain.plays import Report
from domain.videos import VideoStatus
from resolvers.context import Context


async def record(ctx: Context, video_id: UUID, report: Report) -> Play:
    """What the account's own server saw of one of its videos."""
    account_id = ctx.account_id
    async with ctx.services.db.write_once() as session:
        row = await plays.of_own(session, account_id, video_id, report)
    if row is not None:
        return row
    async with ctx.services.db.read() as session:
        video = (await videos.of_account(session, account_id, [video_id])).get(video_id)
    if video is None:
        raise NotFound("Video", video_id, path=["videoId"])
    raise InvalidState(
        "The video",
        current=video.status.name,
        allowed=[VideoStatus.PUBLISHED.name],
        path=["videoId"],
    )


async def record_by_link(ctx: Context, token: str, report: Report) -> Play:
    """What a viewer's player saw. Who watches, and what, the link says."""
    grant = ctx.services.playback_links.read(token)
    if grant.pictures:
        raise LinkInvalid
    if grant.address is not None and grant.address != Client(ctx.client).address:
        raise AddressNotAllowed
    async with ctx.services.db.write_once() as session:
        row = await plays.of_link(session, grant, replace(report, viewer=grant.viewer))
    if row is None:
        raise LinkInvalid
    return row
