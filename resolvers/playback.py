"""Playing a video: signed links, the master playlist, and the files behind them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TypeVar
from uuid import UUID

from db import play_sets, videos
from db.models import AudioTrack, PlaySet, Video
from domain import playlists
from domain.errors import InvalidArgument, LimitExceeded, LinkInvalid
from domain.play_sets import PlaySetStatus
from domain.playback import MAX_TTL_SECONDS, MIN_TTL_SECONDS
from domain.playlists import AudioRendition, Variant
from domain.tokens import Grant
from domain.videos import CLOSED
from resolvers import play_sets as own_play_sets
from resolvers.context import Context
from storage import keys
from storage.base import LocalFile, Redirect

Made = TypeVar("Made")

_FILE = re.compile(r"[0-9a-f]{32}/[1-9][0-9]{0,5}/[A-Za-z0-9-]{1,32}\.(?:m3u8|mp4|jpg|vtt)")
"""A task's output as `storage.keys` names it, below the video's prefix."""
_KEY_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Playback:
    """Links for one viewer, good until `expires_at`."""

    hls_url: str
    cover_url: str | None
    storyboard_url: str | None
    expires_at: datetime
    play_sets: list[PlaySet]
    """What is READY now."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file to hand out; `max_age_s` is how long its link still holds."""

    file: LocalFile | Redirect | bytes
    """Bytes where a player would resolve what the file names against where it got it from."""
    name: str
    max_age_s: int


async def playback(ctx: Context, video: Video, *, ttl_seconds: int) -> Playback | None:
    """Links to play the video with; None until something is READY, and while nobody plays it."""
    _check_ttl(ttl_seconds)
    wanted = own_play_sets.of_video(ctx, statuses=[PlaySetStatus.READY])
    ready: list[PlaySet] = await ctx.load.rows(wanted, video.id)
    if not ready or video.content_id is None or video.status in CLOSED:
        return None
    expires_at = _whole_second(datetime.now(UTC) + timedelta(seconds=ttl_seconds))
    token = ctx.services.playback_links.sign(
        Grant(video.id, expires_at, video.epoch, video.content_id)
    )
    place = f"{ctx.base_url}/v/{token}/"
    return Playback(
        hls_url=f"{place}master.m3u8",
        cover_url=_link(place, video, video.poster_key),
        storyboard_url=_link(place, video, video.storyboard_key),
        expires_at=expires_at,
        play_sets=ready,
    )


async def master(ctx: Context, token: str) -> str:
    """The master playlist of what is READY now. Raises `LinkInvalid` or `LinkExpired`."""
    grant = ctx.services.playback_links.read(token)
    async with ctx.services.db.read() as session:
        video = await videos.by_id(session, grant.subject)
        if video is None or video.epoch != grant.epoch:
            raise LinkInvalid
        made = (await play_sets.of_videos(session, [video.id]))[video.id]
        sounds = await play_sets.sounds(session, video.id)
    ready = [one for one in made if one.status is PlaySetStatus.READY]
    if not ready:
        raise LinkInvalid
    prefix = keys.media(_made(video.content_id))
    heard = _renditions(prefix, [track for id, track in sounds.items() if _has(ready, id)])
    return playlists.master([_variant(prefix, one, heard) for one in ready])


async def key(ctx: Context, token: str, key_id: str) -> bytes:
    """What segments of the video are encrypted with. Raises `LinkInvalid` or `LinkExpired`.

    The database is asked each time, so a link that was ended gets no key from then on.
    """
    grant = ctx.services.playback_links.read(token)
    if not _KEY_ID.fullmatch(key_id):
        raise LinkInvalid
    async with ctx.services.db.read() as session:
        video = await videos.by_id(session, grant.subject)
        value = await play_sets.key(session, UUID(key_id), grant.subject)
    if video is None or video.epoch != grant.epoch or value is None:
        raise LinkInvalid
    return value


async def file(ctx: Context, token: str, path: str) -> MediaFile:
    """One file below the video's prefix; the token alone decides, without the database."""
    grant = ctx.services.playback_links.read(token)
    if grant.content is None or not _FILE.fullmatch(path):
        raise LinkInvalid
    left = int((grant.expires_at - datetime.now(UTC)).total_seconds())
    return MediaFile(
        file=await _delivered(ctx, keys.media(grant.content) + path, left),
        name=path.rsplit("/", 1)[-1],
        max_age_s=max(0, left),
    )


async def _delivered(ctx: Context, key: str, left_s: int) -> LocalFile | Redirect | bytes:
    """Players fetch from the store themselves, but for lists of names relative to this place."""
    store = ctx.services.store
    found = await store.delivery(key, max(1, left_s))
    if isinstance(found, Redirect) and key.endswith((".m3u8", ".vtt")):
        return b"".join([block async for block in store.read(key)])
    return found


def _check_ttl(seconds: int) -> None:
    if seconds < MIN_TTL_SECONDS:
        raise InvalidArgument(
            f"ttlSeconds is {seconds}; it must be at least {MIN_TTL_SECONDS}.", path=["ttlSeconds"]
        )
    if seconds > MAX_TTL_SECONDS:
        raise LimitExceeded(
            "ttlSeconds", limit=MAX_TTL_SECONDS, actual=seconds, path=["ttlSeconds"]
        )


def _whole_second(moment: datetime) -> datetime:
    """Tokens carry whole seconds; what we announce is what they say."""
    return moment.replace(microsecond=0)


def _link(place: str, video: Video, key: str | None) -> str | None:
    if key is None:
        return None
    return place + key.removeprefix(keys.media(_made(video.content_id)))


def _has(ready: Sequence[PlaySet], sound_id: UUID) -> bool:
    return any(one.audio_track_id == sound_id for one in ready)


def _variant(prefix: str, one: PlaySet, sounds: Mapping[UUID, AudioRendition]) -> Variant:
    return Variant(
        name=one.resolution.value,
        uri=_made(one.playlist_key).removeprefix(prefix),
        width=_made(one.width),
        height=_made(one.height),
        frame_rate=Fraction(_made(one.frame_rate)),
        codecs=_made(one.codecs),
        bandwidth=_made(one.bandwidth),
        average_bandwidth=_made(one.average_bandwidth),
        audio=sounds.get(one.audio_track_id) if one.audio_track_id else None,
    )


def _made(value: Made | None) -> Made:
    """What a READY play set has."""
    if value is None:
        raise ValueError("a play set is READY without its output")
    return value


def _renditions(prefix: str, tracks: Sequence[AudioTrack]) -> dict[UUID, AudioRendition]:
    """Each sound as a group of its own; play sets made at different times can have several."""
    made: dict[UUID, AudioRendition] = {}
    for track in sorted(tracks, key=lambda one: (one.created_at, one.id)):
        earlier = sum(one.group.partition(":")[0] == track.name for one in made.values())
        made[track.id] = AudioRendition(
            group=f"{track.name}:{earlier + 1}" if earlier else track.name,
            uri=track.playlist_key.removeprefix(prefix),
            codecs=track.codecs,
            bandwidth=track.bandwidth,
            average_bandwidth=track.average_bandwidth,
        )
    return made
