"""Having more play sets made of a video, and made anew. What the runs do: tests/workers."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from db import play_sets, runs, tasks, videos
from db.models import Task, Video
from domain.errors import Cancelled
from domain.videos import VideoStatus
from jobs import outcomes
from resolvers.context import Services
from tests.support import factories
from tests.support.api import Api
from tests.support.factories import READY, SOURCE
from tests.support.templating import (
    built_in,
    codes,
    global_id,
    template,
    transcode,
)

P360, P480, P720, ORIGIN = built_in(1), built_in(2), built_in(3), built_in(5)
STATES = """
query ($id: ID!, $templates: [ID!]) {
  video(by: {id: $id}) { playSets(templateId: $templates) { status template { templateId } } }
}
"""


class Shelf:
    """A video, and what becomes of its play sets without ffmpeg."""

    def __init__(self, services: Services, video: Video) -> None:
        self.db, self.video = services.db, video
        self.id = global_id("Video", video.id)

    async def publish(self) -> None:
        """End every task as a run does whose play sets are READY."""
        for task in await self._open():
            async with self.db.write() as session:
                run = await runs.claim(session, task.id, worker="test")
                assert run is not None
                assert await runs.succeed(session, run)
                made = (await play_sets.of_tasks(session, [run.id]))[run.id]
                old = await play_sets.older(session, self.video.id, [one.id for one in made])
                await play_sets.give_up(session, old)
                for one in made:
                    values = {**READY, "playlist_key": f"videos/{one.id}.m3u8"}
                    await play_sets.finish(session, one.id, values)

    async def fail(self) -> None:
        async with self.db.write() as session:
            failure = Cancelled("The test wants it so.")
            for one in await tasks.cancel(
                session, [task.id for task in await self._open()], failure
            ):
                await outcomes.failed(session, one, failure)

    async def change(self, **columns: Any) -> None:
        async with self.db.write() as session:
            row = await videos.lock(session, self.video.id)
            for name, value in columns.items():
                setattr(row, name, value)

    async def _open(self) -> list[Task]:
        async with self.db.read() as session:
            found = (await tasks.of_video(session, [self.video.id]))[self.video.id]
        return [task for task in found if task.finished_at is None]


@pytest.fixture
async def shelf(services: Services, owner: factories.Owner) -> Shelf:
    status = VideoStatus.PUBLISHED
    return Shelf(services, await factories.video(services.db, owner.account, status=status))


async def states(api: Api, shelf: Shelf, *templates: str) -> list[tuple[int, str]]:
    found = await api.run(STATES, id=shelf.id, templates=list(templates))
    rows = found["video"]["playSets"]
    return [(one["template"]["templateId"], one["status"]) for one in rows]


async def test_what_is_asked_for_is_planned(api: Api, shelf: Shelf) -> None:
    mine = await template(api, encryption="AES_128")
    payload = await transcode(api, shelf.id, ORIGIN, mine["id"], P360, P360)
    assert payload["userErrors"] == []
    shown = [(one["resolution"], one["encryption"]) for one in payload["playSets"]]
    assert shown == [("P360", "NONE"), ("P720", "AES_128"), ("ORIGIN", "NONE")]
    chosen = [one["template"]["id"] for one in payload["playSets"]]
    assert chosen == [P360, mine["id"], ORIGIN]
    assert {one["task"]["status"] for one in payload["playSets"]} == {"QUEUED"}
    assert {one["status"] for one in payload["playSets"]} == {"INITIAL"}


async def test_what_there_is_can_be_chosen_by_template(api: Api, shelf: Shelf) -> None:
    await transcode(api, shelf.id, P360, P480)
    assert await states(api, shelf, P480) == [(2, "INITIAL")]
    assert await states(api, shelf, P480, P360, "x") == [(1, "INITIAL"), (2, "INITIAL")]
    assert await states(api, shelf, P720) == []
    assert await states(api, shelf, "x", shelf.id) == []
    assert len(await states(api, shelf)) == 2


async def test_what_is_there_or_coming_is_not_made_twice(api: Api, shelf: Shelf) -> None:
    await transcode(api, shelf.id, P360)
    exists = [("TRANSCODE_EXISTS", ["templateIds", "1"])]
    assert codes(await transcode(api, shelf.id, P480, P360)) == exists
    assert codes(await transcode(api, shelf.id, P480, P360, redo=True)) == exists
    await shelf.publish()
    assert codes(await transcode(api, shelf.id, P480, P360)) == exists
    assert await states(api, shelf) == [(1, "READY")]


async def test_redo_leaves_no_gap(api: Api, shelf: Shelf) -> None:
    await transcode(api, shelf.id, P360)
    await shelf.publish()
    (made,) = (await transcode(api, shelf.id, P360, redo=True))["playSets"]
    assert await states(api, shelf) == [(1, "READY"), (1, "INITIAL")]
    await shelf.publish()
    assert await states(api, shelf) == [(1, "READY")]
    query = "query ($id: ID!) { node(id: $id) { ... on PlaySet { status } } }"
    assert await api.run(query, id=made["id"]) == {"node": {"status": "READY"}}


async def test_a_redo_that_fails_takes_nothing_away(api: Api, shelf: Shelf) -> None:
    await transcode(api, shelf.id, P360)
    await shelf.publish()
    await transcode(api, shelf.id, P360, redo=True)
    await shelf.fail()
    assert await states(api, shelf) == [(1, "READY"), (1, "TRANSCODE_FAILED")]


async def test_what_failed_can_be_tried_again(api: Api, shelf: Shelf) -> None:
    (first,) = (await transcode(api, shelf.id, P360))["playSets"]
    await shelf.fail()
    (again,) = (await transcode(api, shelf.id, P360))["playSets"]
    assert (again["id"], again["status"]) == (first["id"], "INITIAL")
    assert again["task"]["id"] != first["task"]["id"]


async def test_a_changed_template_replaces_what_it_made_before(api: Api, shelf: Shelf) -> None:
    mine = await template(api, videoBitrate=1_000_000)
    number = mine["templateId"]
    await transcode(api, shelf.id, mine["id"])
    await template(api, id=mine["id"], videoBitrate=2_000_000)
    exists = [("TRANSCODE_EXISTS", ["templateIds", "0"])]
    assert codes(await transcode(api, shelf.id, mine["id"], redo=True)) == exists
    await shelf.publish()
    ((former, _),) = await states(api, shelf)
    assert former != number

    assert codes(await transcode(api, shelf.id, mine["id"])) == []
    both = [(former, "READY"), (number, "INITIAL")]
    assert await states(api, shelf, mine["id"]) == both
    await shelf.publish()
    assert await states(api, shelf) == [(number, "READY")]


async def test_what_failed_in_a_former_form_goes(api: Api, shelf: Shelf) -> None:
    mine = await template(api, videoBitrate=1_000_000)
    await transcode(api, shelf.id, mine["id"])
    await shelf.fail()
    await template(api, id=mine["id"], videoBitrate=2_000_000)
    await transcode(api, shelf.id, mine["id"])
    assert await states(api, shelf) == [(mine["templateId"], "INITIAL")]


async def test_what_the_source_is_not_good_for_is_refused(api: Api, shelf: Shelf) -> None:
    payload = await transcode(api, shelf.id, P360, built_in(4))
    assert codes(payload) == [("TEMPLATE_UNSUITABLE", ["templateIds", "1"])]
    assert payload["userErrors"][0]["message"] == "The video is smaller than '1080P' would be."
    await shelf.change(source=replace(SOURCE, video_codec="vp9").to_json())
    payload = await transcode(api, shelf.id, ORIGIN)
    assert codes(payload) == [("TEMPLATE_UNSUITABLE", ["templateIds", "0"])]
    assert await states(api, shelf) == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (VideoStatus.PROCESSING, "VIDEO_UPLOADING"),
        (VideoStatus.UPLOAD_FAILED, "VIDEO_UPLOAD_FAILED"),
        (VideoStatus.DELETED, "INVALID_STATE"),
    ],
)
async def test_a_video_without_a_file_cannot_be_transcoded(
    api: Api, shelf: Shelf, status: VideoStatus, code: str
) -> None:
    await shelf.change(status=status, source=None)
    payload = await transcode(api, shelf.id, P360)
    (error,) = payload["userErrors"]
    assert (error["code"], error["currentState"], error["path"]) == (code, status.name, ["id"])


async def test_a_video_whose_play_sets_failed_can_be_tried_again(api: Api, shelf: Shelf) -> None:
    await shelf.change(status=VideoStatus.UPLOAD_FAILED, status_reason="It failed.")
    await transcode(api, shelf.id, P360)
    query = "query ($id: ID!) { video(by: {id: $id}) { status statusReason } }"
    found = await api.run(query, id=shelf.id)
    assert found == {"video": {"status": "PROCESSING", "statusReason": None}}


async def test_of_two_equal_calls_at_once_one_wins(api: Api, shelf: Shelf) -> None:
    payloads = await asyncio.gather(*(transcode(api, shelf.id, P360) for _ in range(5)))
    refused = [codes(one) for one in payloads if not one["playSets"]]
    assert refused == [[("TRANSCODE_EXISTS", ["templateIds", "0"])]] * 4
    assert await states(api, shelf) == [(1, "INITIAL")]


async def test_some_templates_are_named_and_not_too_many(api: Api, shelf: Shelf) -> None:
    assert codes(await transcode(api, shelf.id)) == [("INVALID_ARGUMENT", ["templateIds"])]
    payload = await transcode(api, shelf.id, *([P360] * 21))
    (error,) = payload["userErrors"]
    assert (error["code"], error["limit"], error["actual"]) == ("LIMIT_EXCEEDED", 20, 21)
    unknown = await transcode(api, shelf.id, P360, shelf.id)
    assert codes(unknown) == [("NOT_FOUND", ["templateIds", "1"])]


async def test_a_strangers_video_or_template_is_not_found(
    api: Api, stranger: Api, shelf: Shelf
) -> None:
    assert codes(await transcode(stranger, shelf.id, P360)) == [("NOT_FOUND", ["id"])]
    theirs = await template(stranger)
    refused = await transcode(api, shelf.id, P360, theirs["id"])
    assert codes(refused) == [("NOT_FOUND", ["templateIds", "1"])]
    assert await states(api, shelf) == []
