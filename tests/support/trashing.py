"""The recycle bin as a client uses it, and what lies in it."""

from typing import Any

from sqlalchemy import update

from db.models import Task, Video
from domain.videos import Resolution, TranscodePass
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api

BATCH = """
mutation ($ids: [ID!]!, $policy: BatchPolicy) {
  change: NAME(ids: $ids, policy: $policy) {
    changedCount
    results {
      videoId changed
      video { id status statusReason deletedAt purgeAt }
      error {
        code path
        ... on InvalidStateError { currentState allowedStates }
        ... on DuplicateContentError { existingVideo { id } }
      }
    }
    userErrors { code path }
  }
}
"""


async def change(api: Api, name: str, *ids: str, policy: str = "APPLY_ELIGIBLE") -> dict[str, Any]:
    """The payload of a mutation of many videos."""
    document = BATCH.replace("NAME", name)
    return (await api.run(document, ids=ids, policy=policy))["change"]


async def delete(api: Api, *ids: str, **others: str) -> dict[str, Any]:
    return await change(api, "deleteVideos", *ids, **others)


async def restore(api: Api, *ids: str, **others: str) -> dict[str, Any]:
    return await change(api, "restoreVideos", *ids, **others)


async def purge(api: Api, *ids: str, **others: str) -> dict[str, Any]:
    return await change(api, "purgeVideos", *ids, **others)


def statuses(payload: dict[str, Any]) -> list[str | None]:
    """What each video is now; None for one that is not there."""
    return [one["video"] and one["video"]["status"] for one in payload["results"]]


def codes(payload: dict[str, Any]) -> list[str | None]:
    """What is wrong with each."""
    return [one["error"] and one["error"]["code"] for one in payload["results"]]


async def row_of(services: Services, id: str) -> Video:
    async with services.db.read() as session:
        return await session.get_one(Video, ids.decode(id, "Video"))


async def set_columns(services: Services, id: str, **values: Any) -> None:
    async with services.db.write() as session:
        chosen = Video.id == ids.decode(id, "Video")
        await session.execute(update(Video).where(chosen).values(**values))


async def being_made(services: Services, owner: factories.Owner) -> tuple[Video, Task, Task]:
    """A video with its first play and its ladder, both queued."""
    video = await factories.video(services.db, owner.account)
    first = await factories.transcode_task(services.db, video, Resolution.P360)
    ladder = await factories.transcode_task(
        services.db, video, Resolution.P480, kind=TranscodePass.LADDER
    )
    return video, first, ladder


async def many_being_made(services: Services, owner: factories.Owner, count: int) -> list[str]:
    """The ids of videos with a first play, a ladder and a probe each, all queued."""
    videos = [(await being_made(services, owner))[0] for _ in range(count)]
    for video in videos:
        await factories.probe_task(services.db, video)
    return [ids.encode("Video", video.id) for video in videos]
