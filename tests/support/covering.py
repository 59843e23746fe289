"""Covers of videos, as their owners choose them and viewers get them."""

import shutil
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update

from db import runs
from db.models import Content, Event, Task, Video
from domain.tasks import TaskKind
from domain.videos import VideoStatus
from jobs.runs import Run, Tools
from media.probe import probe
from resolvers.context import Services
from schema import ids
from storage import keys
from tests.support import factories
from tests.support.api import Api
from tests.support.storing import stored
from tests.support.updating import change

VIDEO = """
query ($id: ID!) {
  video(by: {id: $id}) { status hasOwnCover updatedAt playback { coverUrl } }
}
"""
TASK = """
query ($id: ID!) {
  task(id: $id) {
    __typename status error { code message } video { id }
    ... on CoverTask { atMs storedObject { storageId } }
  }
}
"""
RETRY = """
mutation ($id: ID!) {
  retryTask(id: $id) {
    task { status } userErrors { code ... on InvalidStateError { currentState } }
  }
}
"""
RED, GREEN, BLUE = (254, 0, 0), (0, 255, 1), (0, 0, 254)


async def playable(services: Services, owner: factories.Owner) -> str:
    """A video with a play set, whose file nobody needs, and an automatic cover."""
    row = await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)
    place = keys.attempt(row.content_id or uuid4(), uuid4(), 1)
    await factories.ready_play_set(services.db, row, playlist_key=f"{place}360p.m3u8")
    async with services.db.write() as session:
        poster = f"{place}poster.jpg"
        await session.execute(update(Video).where(Video.id == row.id).values(poster_key=poster))
    return ids.encode("Video", row.id)


async def with_file(services: Services, video: str, file: Path, tmp_path: Path) -> None:
    """Give a video this file, as if it had been uploaded."""
    source = await probe(file)
    async with services.db.write() as session:
        row = await session.get_one(Video, ids.decode(video, "Video"))
        content = await session.get_one(Content, row.content_id)
        row.source, row.duration_ms = source.to_json(), source.duration_ms
    copy = shutil.copy(file, tmp_path / uuid4().hex)
    await services.store.put_file(content.key, Path(copy), "video/mp4")


async def put(api: Api, data: bytes, name: str = "cover") -> str:
    """The storage id of a picture of the caller's."""
    return (await stored(api, data, name))["storedObject"]["storageId"]


async def chosen(api: Api, video: str, **cover: Any) -> str:
    """The id of the task that makes the cover."""
    payload = await change(api, video, cover=cover)
    assert payload["userErrors"] == []
    assert payload["coverTask"]["status"] == "QUEUED"
    return payload["coverTask"]["id"]


async def shown(api: Api, video: str) -> dict[str, Any]:
    return (await api.run(VIDEO, id=video))["video"]


async def task_of(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(TASK, id=id))["task"]


async def fetched(api: Api, video: str) -> bytes:
    """The cover as viewers get it."""
    url = (await shown(api, video))["playback"]["coverUrl"]
    answer = await api.http.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.content


async def cover_key(services: Services, video: str) -> str | None:
    async with services.db.read() as session:
        wanted = select(Video.cover_key).where(Video.id == ids.decode(video, "Video"))
        return await session.scalar(wanted)


async def content_of(services: Services, video: str) -> UUID:
    """The content that the video is made of."""
    async with services.db.read() as session:
        row = await session.get_one(Video, ids.decode(video, "Video"))
    assert row.content_id is not None
    return row.content_id


async def left(services: Services, video: str) -> list[str]:
    """What the store has of all that was made for this video's content."""
    place = keys.media(await content_of(services, video))
    return [one.key async for one in services.store.list(place)]


async def run_of(tools: Tools, id: str) -> Run:
    """A run of the task that just begins."""
    async with tools.db.write() as session:
        task = await runs.claim(session, ids.decode(id, "CoverTask"), worker="here:1")
    assert task is not None
    return Run(tools, task)


async def nothing_was_made(services: Services) -> bool:
    """Whether a refused choice left no task, told nobody, and changed no title."""
    async with services.db.read() as session:
        covers = await session.scalars(select(Task.id).where(Task.kind == TaskKind.COVER))
        events = await session.scalars(select(Event.id))
        titles = await session.scalars(select(Video.title))
        return (covers.all(), events.all(), titles.all()) == ([], [], ["A video"])
