"""What players fetch by signed links: the master playlist, keys, and files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final, TypeVar
from uuid import UUID

from db import play_sets
from db import playback as statements
from db.models import AudioTrack, PlaySet
from domain import playlists
from domain.errors import LinkInvalid
from domain.files import attachment
from domain.play_sets import PlaySetStatus
from domain.playback import LinkSpent, check_file, content_type, source_type
from domain.playback_rules import Client
from domain.playlists import AudioRendition, Variant
from domain.tokens import Grant
from resolvers.context import Context
from resolvers.gate import Played
from storage import keys
from storage.base import LocalFile, Redirect

Made = TypeVar("Made")

_FILE = re.compile(r"[0-9a-f]{32}/[1-9][0-9]{0,5}/[A-Za-z0-9-]{1,32}\.(?:m3u8|mp4|jpg|vtt)")
"""A task's output as `storage.keys` names it, below the video's prefix."""
_KEY_ID = re.compile(r"[0-9a-f]{32}")
_ELSEWHERE_S: Final = 60
"""How long the store's own URL of a track or a picture holds; what ends a link cannot end it."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file to hand out; `max_age_s` is how long its link still holds."""

    file: LocalFile | Redirect | bytes
    """Bytes where a player would resolve what the file names against where it got it from."""
    content_type: str
    max_age_s: int


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file to hand out under a name of its own."""

    file: LocalFile | Redirect
    headers: Mapping[str, str]
    """What it is answered with, with names in lower case."""


async def master(ctx: Context, token: str, client: Client, *, spends: bool = True) -> str:
    """The master playlist of what is READY now.

    The first one that `spends` a link for one use gets a playlist that leads to a link of its
    own. Raises `LinkInvalid`, `LinkExpired`, `LinkSpent` and what the gate raises.
    """
    grant = ctx.services.playback_links.read(token)
    if grant.pictures:
        raise LinkInvalid
    played = await ctx.services.gate.admit(grant, client)
    variants = await _variants(ctx, played)
    if grant.once is None:
        return playlists.master(variants)
    if spends:
        await _spend(ctx, grant.once, grant.expires_at)
    address = grant.address or client.address
    session = replace(grant, once=None, address=address, streams_only=True)
    place = f"../{ctx.services.playback_links.sign(session)}/"
    return playlists.master([_moved(one, place) for one in variants])


async def key(ctx: Context, token: str, key_id: str, client: Client) -> bytes:
    """What segments of the video are encrypted with. Raises as `master` does."""
    grant = ctx.services.playback_links.read(token)
    check_file(grant, "")
    if not _KEY_ID.fullmatch(key_id):
        raise LinkInvalid
    await ctx.services.gate.admit(grant, client)
    async with ctx.services.db.read() as session:
        value = await play_sets.key(session, UUID(key_id), grant.subject)
    if value is None:
        raise LinkInvalid
    return value


async def file(
    ctx: Context, token: str, path: str, client: Client, *, method: str = "GET"
) -> MediaFile:
    """One file below the video's prefix, for a GET or a HEAD. Raises as `master` does."""
    grant = ctx.services.playback_links.read(token)
    check_file(grant, path)
    if grant.content is None or not _FILE.fullmatch(path):
        raise LinkInvalid
    await ctx.services.gate.admit(grant, client)
    left = _left_s(grant)
    return MediaFile(
        file=await _delivered(ctx, keys.media(grant.content) + path, left, method=method),
        content_type=content_type(path),
        max_age_s=max(0, left),
    )


async def source(ctx: Context, token: str, client: Client, *, method: str = "GET") -> SavedFile:
    """The file as it was uploaded, under the video's title. Raises as `master` does."""
    grant = ctx.services.playback_links.read(token)
    check_file(grant, "")
    if grant.streams_only:
        raise LinkInvalid
    await ctx.services.gate.admit(grant, client)
    async with ctx.services.db.read() as session:
        found = await statements.source_file(session, grant.subject)
    if found is None:
        raise LinkInvalid
    kind, extension = source_type(found.source)
    headers = {
        "content-type": kind,
        "content-disposition": attachment(f"{found.title}.{extension}"),
    }
    # Browsers go on with a large file where they were led, without asking us again.
    ttl_s = max(1, _left_s(grant))
    file = await ctx.services.store.delivery(found.key, ttl_s, method=method, headers=headers)
    return SavedFile(file, headers)


async def _variants(ctx: Context, played: Played) -> Sequence[Variant]:
    """What the master playlist names; made anew only when other play sets are READY."""
    standing = played.standing
    if standing is None or standing.content_id is None or not standing.ready:
        raise LinkInvalid
    made_of, variants = played.variants
    if made_of == standing.ready:
        return variants
    async with ctx.services.db.read() as session:
        made = (await play_sets.of_videos(session, [played.id]))[played.id]
        sounds = await play_sets.sounds(session, played.id)
    ready = [one for one in made if one.status is PlaySetStatus.READY]
    if not ready:
        raise LinkInvalid
    prefix = keys.media(standing.content_id)
    heard = _renditions(prefix, [track for id, track in sounds.items() if _has(ready, id)])
    variants = [_variant(prefix, one, heard) for one in ready]
    played.variants = standing.ready, variants
    return variants


async def _spend(ctx: Context, id: UUID, expires_at: datetime) -> None:
    async with ctx.services.db.write_once() as session:
        if not await statements.spend(session, id, expires_at=expires_at):
            raise LinkSpent


async def _delivered(
    ctx: Context, key: str, left_s: int, *, method: str
) -> LocalFile | Redirect | bytes:
    """Players fetch from the store themselves, but for lists of names relative to this place."""
    store = ctx.services.store
    found = await store.delivery(key, max(1, min(_ELSEWHERE_S, left_s)), method=method)
    if isinstance(found, Redirect) and key.endswith((".m3u8", ".vtt")):
        return b"".join([block async for block in store.read(key)])
    return found


def _left_s(grant: Grant) -> int:
    return int((grant.expires_at - datetime.now(UTC)).total_seconds())


def _moved(variant: Variant, place: str) -> Variant:
    """The same below another link."""
    sound = variant.audio
    if sound is not None:
        sound = replace(sound, uri=place + sound.uri)
    return replace(variant, uri=place + variant.uri, audio=sound)


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
