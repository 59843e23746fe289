"""Videos to recommend, plays that speak for them, and what is recommended."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from db.models import Account, Play, Video
from db.session import Database
from domain.videos import VideoStatus
from schema import ids
from tests.support import factories
from tests.support.api import Api

QUERY = """
query ($id: ID!, $first: Int, $after: String, $exclude: [ID!]) {
  video(by: {id: $id}) {
    recommended(first: $first, after: $after, exclude: $exclude) {
      nodes { video { title } score reasons }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


def of(video: Video) -> str:
    return ids.encode("Video", video.id)


async def published(
    db: Database,
    account: Account,
    title: str,
    *,
    day: int = 0,
    tags: Sequence[str] = (),
    category_id: UUID | None = None,
) -> Video:
    """A video that can be played since so many days after a fixed moment."""
    video = await factories.video(
        db, account, title=title, status=VideoStatus.PUBLISHED, category_id=category_id
    )
    moment = factories.EPOCH + timedelta(days=day)
    values = {"tags": list(tags), "published_at": moment, "updated_at": moment}
    async with db.write() as session:
        await session.execute(update(Video).where(Video.id == video.id).values(values))
    return video


async def watched(db: Database, viewer: str | None, *videos: Video) -> None:
    rows = [
        {
            "account_id": one.account_id,
            "video_id": one.id,
            "session": f"of {viewer}",
            "viewer": viewer,
            "watched_ms": 1,
            "progress": 0.5,
        }
        for one in videos
    ]
    async with db.write() as session:
        await session.execute(insert(Play), rows)


async def page(api: Api, video: Video, *, first: int = 100, **given: Any) -> dict[str, Any]:
    found = await api.run(QUERY, id=of(video), first=first, **given)
    return found["video"]["recommended"]


async def recommended(api: Api, video: Video, **given: Any) -> list[dict[str, Any]]:
    return (await page(api, video, **given))["nodes"]


async def titles(api: Api, video: Video, **given: Any) -> list[str]:
    return [one["video"]["title"] for one in await recommended(api, video, **given)]
