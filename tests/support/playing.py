"""A video that can be played, and what a player does with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from db import play_sets
from db.models import Video
from domain.videos import Resolution, VideoStatus
from resolvers.context import Services
from schema import ids
from storage import keys
from tests.support import factories
from tests.support.api import Api
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
