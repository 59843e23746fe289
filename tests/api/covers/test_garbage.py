"""How long the store keeps a cover's file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from db.models import Garbage, Video
from domain.events import EventType
from jobs import covers, fsck, maintenance
from jobs.runs import Overtaken, Tools
from resolvers.context import Services
from schema import ids
from storage import keys
from tests.support import factories, pictures, trashing
from tests.support.api import Api
from tests.support.covering import (
    chosen,
    content_of,
    cover_key,
    fetched,
    left,
    playable,
    put,
    run_of,
    shown,
)
from tests.support.tables import events
from tests.support.updating import changed
from tests.support.work import Work


async def test_the_former_cover_goes_when_links_to_it_are_over(
    api: Api, services: Services, tools: Tools, work: Work, video: str, folder: Path
) -> None:
    picture = await put(api, pictures.make(folder / "d.png").read_bytes())
    await chosen(api, video, storageId=picture)
    await work()
    url = (await shown(api, video))["playback"]["coverUrl"]
    await chosen(api, video, storageId=picture)
    await work()
    assert (await api.http.get(url)).status_code == 200
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=23))
    assert len(await left(services, video)) == 2
    assert await faults(tools, video, services) == []
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=25))
    assert await left(services, video) == [await cover_key(services, video)]
    assert await faults(tools, video, services) == []
    await changed(api, video, cover=None)
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=25))
    assert await left(services, video) == []


async def faults(tools: Tools, video: str, services: Services) -> list[tuple[str, str]]:
    """What does not fit of all covers of this video's content."""
    place = keys.media(await content_of(services, video))
    later = datetime.now(UTC) + timedelta(hours=2)
    return [
        (one.fault.value, one.subject)
        async for one in fsck.check(tools, repair=False, read=False, now=later)
        if one.subject.startswith(place) and one.subject.endswith("/cover.jpg")
    ]


async def test_a_cover_that_others_show_stays(
    api: Api,
    services: Services,
    owner: factories.Owner,
    tools: Tools,
    work: Work,
    video: str,
    folder: Path,
) -> None:
    picture = await put(api, pictures.make(folder / "e.png").read_bytes())
    await chosen(api, video, storageId=picture)
    await work()
    shared = await cover_key(services, video)
    other = await playable(services, owner)
    async with services.db.write() as session:
        row = await session.get_one(Video, ids.decode(video, "Video"))
        values = {"cover_key": shared, "content_id": row.content_id}
        one = Video.id == ids.decode(other, "Video")
        await session.execute(update(Video).where(one).values(values))
    await changed(api, video, cover=None)
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=25))
    assert await left(services, other) == [shared]
    assert (await faults(tools, other, services), await fetched(api, other))[0] == []
    await changed(api, other, cover=None)
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=25))
    assert await left(services, other) == []


async def test_a_cover_that_is_missing_is_found(
    api: Api, services: Services, tools: Tools, work: Work, video: str, folder: Path
) -> None:
    await chosen(api, video, storageId=await put(api, pictures.make(folder / "f.png").read_bytes()))
    await work()
    key = await cover_key(services, video)
    assert key is not None
    await services.store.delete([key])
    assert await faults(tools, video, services) == [("missing", key)]


async def test_a_run_that_was_overtaken_leaves_nothing(
    api: Api, services: Services, tools: Tools, work: Work, video: str, folder: Path
) -> None:
    picture = await put(api, pictures.make(folder / "i.png").read_bytes())
    task = await chosen(api, video, storageId=picture)
    frozen = await run_of(tools, task)
    await work()
    winner = await cover_key(services, video)
    with pytest.raises(Overtaken):
        await covers.make(frozen)
    assert await left(services, video) == [winner]
    assert await events(services.db) == [EventType.VIDEO_UPDATED]


async def test_what_a_killed_run_left_goes(
    api: Api, services: Services, tools: Tools, work: Work, video: str, folder: Path, tmp_path: Path
) -> None:
    task = await chosen(
        api, video, storageId=await put(api, pictures.make(folder / "j.png").read_bytes())
    )
    killed = await run_of(tools, task)
    row = await content_of(services, video)
    prefix = keys.attempt(row, killed.task.id, 1)
    draft = tmp_path / "draft"
    draft.write_bytes(b"half")
    await services.store.put_file(f"{prefix}cover.jpg", draft, "image/jpeg")
    await work()
    assert await left(services, video) == [await cover_key(services, video)]
    async with services.db.read() as session:
        assert (await session.scalars(select(Garbage.key))).all() == []


async def test_a_cover_goes_with_its_video(
    api: Api, services: Services, tools: Tools, work: Work, video: str, folder: Path
) -> None:
    await chosen(api, video, storageId=await put(api, pictures.make(folder / "l.png").read_bytes()))
    await work()
    place = keys.media(await content_of(services, video))
    assert len(await left(services, video)) == 1
    await trashing.delete(api, video)
    await trashing.purge(api, video)
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=2))
    assert [one.key async for one in services.store.list(place)] == []
