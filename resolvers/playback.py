"""Playing a video: who gets signed links to it, and what they allow."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from db import videos
from db.models import PlaySet, Video
from domain import text
from domain.errors import NotFound
from domain.links import IpAddress
from domain.play_sets import PlaySetStatus
from domain.playability import Playability, judge
from domain.playback import (
    MAX_VIEWER_ID,
    TOKEN_TTL_SECONDS,
    VideoNotPlayable,
    check_ttl,
    viewer_address,
)
from domain.templates import Encryption
from domain.tokens import Grant
from resolvers import play_sets as own_play_sets
from resolvers.context import Context
from storage import keys

SOURCE = "source"
"""The path of the file as it was uploaded, below a link's place."""


@dataclass(frozen=True, slots=True)
class Playback:
    """Links for one viewer, good until `expires_at`."""

    token: str
    hls_url: str
    cover_url: str | None
    storyboard_url: str | None
    file_url: str | None
    """None when a play set is encrypted, or the link is for one use or for anybody who asks."""
    expires_at: datetime
    play_sets: list[PlaySet]
    """What is READY now."""
    viewer_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewToken:
    """What the owner's server wants a link to be."""

    viewer_id: str | None = None
    ip: str | None = None
    ttl_seconds: int = TOKEN_TTL_SECONDS
    single_use: bool = False


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a link is to say beside its video and its end."""

    address: IpAddress | None = None
    viewer: str | None = None
    public: bool = False
    single_use: bool = False


async def playback(ctx: Context, video: Video, *, ttl_seconds: int) -> Playback | None:
    """Links for the video's owner; None when it cannot be played: see `domain.playability`."""
    return (await _links(ctx, video, ttl_seconds, _Terms()))[0]


async def for_viewer(ctx: Context, video: Video, *, ttl_seconds: int) -> Playback | None:
    """Links for whoever may see the video, with or without a key.

    None when it cannot be played, or only with a token that its owner's server asked for.
    The caller has found out that this viewer may see it: whether it is shared is not asked here.
    """
    if video.auth_play:
        check_ttl(ttl_seconds)
        return None
    return (await _links(ctx, video, ttl_seconds, _Terms(public=True)))[0]


async def create_token(ctx: Context, video_id: UUID, new: NewToken) -> Playback:
    """Links for one viewer of the owner's own system."""
    account_id = ctx.account_id
    terms = _Terms(
        viewer_address(new.ip) if new.ip is not None else None,
        _viewer(new.viewer_id),
        single_use=new.single_use,
    )
    check_ttl(new.ttl_seconds)
    async with ctx.services.db.read() as session:
        video = (await videos.of_account(session, account_id, [video_id])).get(video_id)
    if video is None:
        raise NotFound("Video", video_id, path=["videoId"])
    links, judged = await _links(ctx, video, new.ttl_seconds, terms)
    if links is None:
        raise VideoNotPlayable(judged)
    return links


async def _links(
    ctx: Context, video: Video, ttl_seconds: int, terms: _Terms
) -> tuple[Playback | None, Playability]:
    """The links, or why there are none."""
    check_ttl(ttl_seconds)
    made: list[PlaySet] = await ctx.load.rows(own_play_sets.of_video(ctx), video.id)
    ready = [one for one in made if one.status is PlaySetStatus.READY]
    has_file = video.width is not None  # one without was kept, but could not be read
    judged = judge(video.status, has_ready=bool(ready), has_file=has_file)
    if not judged.playable or video.content_id is None:
        return None, judged
    expires_at = _whole_second(datetime.now(UTC) + timedelta(seconds=ttl_seconds))
    grant = Grant(
        video.id,
        expires_at,
        video.epoch,
        video.content_id,
        terms.address,
        uuid.uuid4() if terms.single_use else None,
        public=terms.public,
        streams_only=terms.public,
        viewer=terms.viewer,
    )
    # One use is fetching the master playlist: the pictures have a link of their own.
    pictures = replace(grant, once=None, pictures=True) if terms.single_use else grant
    sign, base_url = ctx.services.playback_links.sign, f"{ctx.base_url}/v/"
    token = sign(grant)
    seen = token if pictures is grant else sign(pictures)
    gives_file = not (terms.single_use or terms.public)
    is_open = gives_file and all(one.encryption is Encryption.NONE for one in made)
    links = Playback(
        token=token,
        hls_url=f"{base_url}{token}/master.m3u8",
        cover_url=_link(
            f"{base_url}{seen}/", video.content_id, video.cover_key or video.poster_key
        ),
        storyboard_url=_link(f"{base_url}{seen}/", video.content_id, video.storyboard_key),
        file_url=f"{base_url}{token}/{SOURCE}" if is_open else None,
        expires_at=expires_at,
        play_sets=ready,
        viewer_id=terms.viewer,
    )
    return links, judged


def _viewer(id: str | None) -> str | None:
    return None if id is None else text.required("viewerId", id, MAX_VIEWER_ID)


def _whole_second(moment: datetime) -> datetime:
    """Tokens carry whole seconds; what we announce is what they say."""
    return moment.replace(microsecond=0)


def _link(place: str, content_id: UUID, key: str | None) -> str | None:
    return None if key is None else place + key.removeprefix(keys.media(content_id))
