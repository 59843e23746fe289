"""Dry runs: what transcoding would make and cost, without anything being made."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from db import costs
from db.models import Video
from domain import passes, templates
from domain.estimates import estimate
from domain.simulation import Simulation
from domain.templates import BUILT_IN
from domain.videos import TranscodePass, VideoStatus
from media.passes import Encoder
from resolvers.context import Services
from tests.api.test_transcode import Shelf, shelf
from tests.support.api import Api, OperationFailed
from tests.support.factories import SOURCE
from tests.support.templating import built_in, global_id, rule, template, transcode

__all__ = ["shelf"]  # a fixture

PLAN = """
query ($video: ID!, $templates: [ID!], $redo: Boolean) {
  transcodePlan(videoId: $video, templateIds: $templates, redo: $redo) {
    passes {
      pass renditions { template { templateId } width height frameRate }
      arguments outputBytes cpuSeconds wallSeconds
    }
    skipped { template { templateId } reason message }
  }
}
"""
P360, P720, P1080, ORIGIN, ENCRYPTED = (built_in(number) for number in (1, 3, 4, 5, 18))
TEMPLATES = {one.number: one for one in BUILT_IN}


async def plan(api: Api, shelf: Shelf, *ids: str, redo: bool = False) -> dict[str, Any]:
    found = await api.run(PLAN, video=shelf.id, templates=list(ids), redo=redo)
    return found["transcodePlan"]


async def ruled(api: Api, shelf: Shelf) -> dict[str, Any]:
    """What the rules would make."""
    return (await api.run(PLAN, video=shelf.id, redo=False))["transcodePlan"]


def made(found: dict[str, Any]) -> list[tuple[str, list[int]]]:
    """Each pass, with the numbers of its templates."""
    return [(one["pass"], numbers(one["renditions"])) for one in found["passes"]]


def skipped(found: dict[str, Any]) -> list[tuple[int, str]]:
    return [(one["template"]["templateId"], one["reason"]) for one in found["skipped"]]


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [one["template"]["templateId"] for one in rows]


async def row(shelf: Shelf) -> Video:
    async with shelf.db.read() as session:
        return await session.get_one(Video, shelf.video.id)


async def test_passes_come_in_the_order_in_which_they_are_queued(api: Api, shelf: Shelf) -> None:
    found = await plan(api, shelf, P720, ORIGIN, built_in(2), P360)
    assert made(found) == [("ORIGIN", [5]), ("FIRST_PLAY", [1]), ("LADDER", [2, 3])]
    assert skipped(found) == []
    sizes = [
        (picture["width"], picture["height"], picture["frameRate"])
        for one in found["passes"]
        for picture in one["renditions"]
    ]
    assert sizes == [(1280, 720, 30), (640, 360, 30), (854, 480, 30), (1280, 720, 30)]


async def test_the_arguments_are_those_of_a_run(api: Api, shelf: Shelf) -> None:
    found = await plan(api, shelf, P720, ORIGIN, ENCRYPTED, P360)
    chosen = [TEMPLATES[number] for number in (3, 5, 18, 1)]
    encoder, places = Encoder("ffmpeg"), (Path("source"), Path("output"))
    runs = passes.plan(SOURCE, chosen, pictures=True)
    assert [one["arguments"] for one in found["passes"]] == [
        encoder.command(one, SOURCE, *places) for one in runs
    ]
    assert [one.kind for one in runs] == list(TranscodePass)


async def test_nothing_is_planned_by_a_plan(api: Api, shelf: Shelf) -> None:
    await plan(api, shelf, P360)
    await ruled(api, shelf)
    query = "query ($id: ID!) { video(by: {id: $id}) { playSets { id } tasks { totalCount } } }"
    found = (await api.run(query, id=shelf.id))["video"]
    assert found == {"playSets": [], "tasks": {"totalCount": 0}}


async def test_what_would_not_be_made_is_said_with_its_reason(api: Api, shelf: Shelf) -> None:
    await shelf.change(source=replace(SOURCE, video_codec="vp9").to_json())
    await transcode(api, shelf.id, P360)
    found = await plan(api, shelf, P1080, ORIGIN, P360, P720)
    assert numbers(found["passes"][0]["renditions"]) == [3]
    assert skipped(found) == [(4, "ABOVE_SOURCE"), (5, "NOT_COPYABLE"), (1, "ALREADY_THERE")]
    assert [one["message"] for one in found["skipped"]] == [
        "The video is smaller than '1080P' would be.",
        "Players could not show a copy of this video's own streams.",
        "The video has a play set of '360P', or is getting one.",
    ]


async def test_what_was_made_with_a_former_form_is_not_there(api: Api, shelf: Shelf) -> None:
    mine = await template(api, videoBitrate=1_000_000)
    await transcode(api, shelf.id, mine["id"])
    await template(api, id=mine["id"], videoBitrate=2_000_000)
    assert skipped(await plan(api, shelf, mine["id"])) == [(mine["templateId"], "ALREADY_THERE")]
    await shelf.publish()
    found = await plan(api, shelf, mine["id"])
    assert skipped(found) == []
    (one,) = found["passes"]
    assert "2000000" in one["arguments"]


async def test_without_templates_it_is_what_the_rules_say_of_a_new_video(
    api: Api, shelf: Shelf
) -> None:
    await transcode(api, shelf.id, P360)
    found = await ruled(api, shelf)
    assert made(found) == [("ORIGIN", [5]), ("FIRST_PLAY", [1]), ("LADDER", [2, 3])]
    assert skipped(found) == [(4, "ABOVE_SOURCE")]
    await rule(api, built_in(8), P1080)
    found = await ruled(api, shelf)
    assert made(found) == [("FIRST_PLAY", [4])]
    assert skipped(found) == [(8, "ABOVE_SOURCE")]
    await rule(api)
    assert await ruled(api, shelf) == {"passes": [], "skipped": []}
    with pytest.raises(OperationFailed) as failed:
        await plan(api, shelf)
    assert failed.value.codes == ["INVALID_ARGUMENT"]


async def test_a_redo_is_planned_as_it_is_made(api: Api, shelf: Shelf) -> None:
    await transcode(api, shelf.id, P360, P720)
    assert skipped(await plan(api, shelf, P360, redo=True)) == [(1, "ALREADY_THERE")]
    await shelf.publish()
    assert skipped(await plan(api, shelf, P360)) == [(1, "ALREADY_THERE")]
    found = await plan(api, shelf, P360, built_in(2), redo=True)
    assert made(found) == [("FIRST_PLAY", [1]), ("LADDER", [2])]
    alone = [estimate(SOURCE, [one])[0].bytes for one in templates.DEFAULTS[:2]]
    assert [one["outputBytes"] for one in found["passes"]] == alone  # each makes its own sound
    assert skipped(found) == []


async def test_what_is_new_is_planned_apart_from_what_is_made_again(api: Api, shelf: Shelf) -> None:
    mine = await template(api, videoBitrate=1_000_000)
    await transcode(api, shelf.id, mine["id"])
    await shelf.publish()
    await shelf.change(poster_key="videos/poster.jpg")
    await template(api, id=mine["id"], videoBitrate=2_000_000)
    found = await plan(api, shelf, P360, mine["id"])
    assert made(found) == [("LADDER", [1]), ("LADDER", [mine["templateId"]])]
    await transcode(api, shelf.id, P360, mine["id"])
    query = """query ($id: ID!) { video(by: {id: $id}) { tasks { nodes {
      status ... on TranscodeTask { redo playSets { template { templateId } } }
    } } } }"""
    tasks = (await api.run(query, id=shelf.id))["video"]["tasks"]["nodes"]
    planned = [
        (one["redo"], numbers(one["playSets"])) for one in tasks if one["status"] == "QUEUED"
    ]
    assert sorted(planned) == [(False, [1]), (True, [mine["templateId"]])]


async def test_of_a_deleted_video_nothing_is_planned(api: Api, shelf: Shelf) -> None:
    await shelf.change(status=VideoStatus.DELETED)
    assert await plan(api, shelf, P360) is None


async def test_estimates_are_reckoned_and_then_measured(
    api: Api, shelf: Shelf, services: Services
) -> None:
    (one,) = (await plan(api, shelf, P360))["passes"]
    chosen = templates.DEFAULTS[:1]
    (expected,) = estimate(SOURCE, chosen)
    assert one["outputBytes"] == expected.bytes
    assert one["cpuSeconds"] == round(expected.cpu_s, 3)
    assert one["wallSeconds"] == round(expected.cpu_s / 4, 3)
    async with services.db.write() as session:
        await costs.learn(session, await row(shelf), chosen, seconds=8)
    (one,) = (await plan(api, shelf, P360))["passes"]
    assert one["wallSeconds"] == 8


async def test_sound_that_passes_share_is_counted_once(api: Api, shelf: Shelf) -> None:
    found = await plan(api, shelf, P360, P720)
    whole = sum(one.bytes for one in estimate(SOURCE, templates.DEFAULTS[:3:2]))
    assert sum(one["outputBytes"] for one in found["passes"]) == whole


async def test_a_simulated_video_is_held_back(api: Api, shelf: Shelf) -> None:
    await shelf.change(simulation=Simulation(duration_ms=4_000, pace=2.0).to_json())
    (one,) = (await plan(api, shelf, P360))["passes"]
    at = one["arguments"].index("-readrate")
    assert (one["arguments"][at + 1], one["wallSeconds"]) == ("2", 2)


async def test_of_a_file_that_nobody_looked_into_nothing_is_known(api: Api, shelf: Shelf) -> None:
    await shelf.change(source=replace(SOURCE, duration_ms=0).to_json())
    assert await plan(api, shelf, P360) is None
    await shelf.change(source=None)
    assert await plan(api, shelf, P360) is None
    assert await ruled(api, shelf) is None


async def test_a_strangers_video_or_template_is_not_there(
    api: Api, stranger: Api, shelf: Shelf
) -> None:
    assert await ruled(stranger, shelf) is None
    assert await plan(stranger, shelf, P360) is None
    theirs = (await template(stranger))["id"]
    for unknown in (theirs, shelf.id, global_id("TranscodeTemplate", shelf.video.id)):
        with pytest.raises(OperationFailed) as failed:
            await plan(api, shelf, P360, unknown)
        assert failed.value.codes == ["NOT_FOUND"]
    with pytest.raises(OperationFailed) as failed:
        await plan(api, shelf, *([P360] * 21))
    assert failed.value.codes == ["LIMIT_EXCEEDED"]
