"""A video that can be played, and what a player does with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from db import play_sets
from db.models import Video
from domain.tokens import Grant
from domain.videos import Resolution, VideoStatus
from resolvers.context import Services
from schema import ids
from storage import keys
from tests.support import factories
from tests.support.api import Api
from tests.support.house import content_of
from tests.support.waiting import until

SEGMENT = b"0123456789"
SOURCE = b"the file as it was uploaded"
KEY = bytes(range(16))

LINKS = """
query ($id: ID!) {
  video(by: {id: $id}) { playback { hlsUrl coverUrl storyboardUrl fileUrl viewerId } }
}
"""
CREATE = """
mutation ($id: ID!, $input: PlaybackTokenInput) {
  createPlaybackToken(videoId: $id, input: $input) {
    token
    playback {
      hlsUrl coverUrl storyboardUrl fileUrl expiresAt viewerId playSets { resolution }
    }
    userErrors { code message path }
  }
}
"""


@dataclass(frozen=True)
class Playable:
    """A PUBLISHED video with a play set that is READY, pictures, a key and its source."""

    row: Video
    folder: str
    """Below the place of a link."""
    key_id: UUID

    @property
    def id(self) -> str:
        return ids.encode("Video", self.row.id)

    def paths(self) -> dict[str, str]:
        """What a player asks for, below the place of a link."""
        return {
            "master": "master.m3u8",
            "key": f"keys/{self.key_id.hex}",
            "media": f"{self.folder}360P.mp4",
            "source": "source",
        }


async def playable(
    services: Services, owner: factories.Owner, folder: Path, **values: Any
) -> Playable:
    row = await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED, **values)
    assert row.content_id is not None
    task = await factories.transcode_task(services.db, row, Resolution.P360)
    prefix, key_id = keys.attempt(row.content_id, task.id, 1), uuid4()
    async with services.db.write() as session:
        (made,) = (await play_sets.of_tasks(session, [task.id]))[task.id]
        ready = {**factories.READY, "playlist_key": f"{prefix}360P.m3u8"}
        await play_sets.finish(session, made.id, ready)
        await play_sets.add_key(session, key_id, row.id, KEY)
        stored = await session.get_one(Video, row.id)
        stored.poster_key, stored.storyboard_key = f"{prefix}poster.jpg", f"{prefix}storyboard.vtt"
    files = {
        f"{prefix}360P.mp4": SEGMENT,
        f"{prefix}poster.jpg": b"cover",
        f"{prefix}storyboard.vtt": b"WEBVTT",
        f"sources/{row.source_sha256}": SOURCE,
    }
    for key, body in files.items():
        (folder / "draft").write_bytes(body)
        await services.store.put_file(key, folder / "draft", "")
    return Playable(row, prefix.removeprefix(keys.media(row.content_id)), key_id)


async def place_of(api: Api, video: Playable) -> str:
    """Where a link of the video's owner leads: what is fetched lies below it."""
    found = await api.run(LINKS, id=video.id)
    return found["video"]["playback"]["hlsUrl"].removesuffix("master.m3u8")


async def create(api: Api, id: str, **input: Any) -> dict[str, Any]:
    return (await api.run(CREATE, id=id, input=input))["createPlaybackToken"]


async def token_place(api: Api, video: Playable, **input: Any) -> str:
    """Where a new token leads."""
    made = await create(api, video.id, **input)
    assert made["userErrors"] == []
    return made["playback"]["hlsUrl"].removesuffix("master.m3u8")


async def answers(
    http: httpx.AsyncClient,
    place: str,
    video: Playable,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """What each request of a player is answered: OK, or the code of the refusal."""
    return {
        name: said(await http.get(place + path, headers=headers))
        for name, path in video.paths().items()
    }


def said(answer: httpx.Response) -> str:
    return "OK" if answer.status_code == 200 else answer.json()["code"]


def everywhere(said: str) -> dict[str, str]:
    return dict.fromkeys(("master", "key", "media", "source"), said)


async def until_said(
    api: Api, url: str, wanted: str, *, headers: Mapping[str, str] | None = None
) -> None:
    async def is_said() -> bool:
        return said(await api.http.get(url, headers=headers)) == wanted

    await until(is_said, timeout_s=5)


async def make_ready(
    services: Services, video: Video, *rungs: Resolution, audio: str | None = None, **values: Any
) -> str:
    """One pass that made these rungs, with sound of that name; returns its folder below `/v/…/`."""
    task = await factories.transcode_task(services.db, video, *rungs)
    prefix = keys.attempt(content_of(video), task.id, 1)
    async with services.db.write() as session:
        if audio:
            track = {"file_size": 1, "bandwidth": 96_000, "average_bandwidth": 90_000}
            track |= {"playlist_key": f"{prefix}{audio}.m3u8", "codecs": "mp4a.40.2"}
            values["audio_track_id"] = await play_sets.save_sound(session, video.id, audio, track)
        for one in (await play_sets.of_videos(session, [video.id]))[video.id]:
            if one.task_id == task.id:
                made = {"playlist_key": f"{prefix}{one.resolution}.m3u8", **values}
                await play_sets.finish(session, one.id, factories.READY | made)
    return prefix.removeprefix(keys.media(content_of(video)))


def link(api: Api, services: Services, video: Video, path: str, *, seconds: int = 100) -> str:
    """A link that the API could have given out `100 - seconds` seconds ago."""
    expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
    token = services.playback_links.sign(Grant(video.id, expires_at, video.epoch, video.content_id))
    return f"{api.base_url}/v/{token}/{path}"


def code(answer: httpx.Response) -> str:
    return answer.json()["code"]
