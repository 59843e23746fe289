"""Background work as its owner sees it."""

from typing import Any

import psycopg
import pytest

from db import runs
from db.models import Task, Video
from domain.errors import TranscodeFailed
from domain.videos import Resolution, TranscodePass
from resolvers.context import Services
from schema import ids
from tests.support import factories, uploading
from tests.support.api import Api, OperationFailed
from tests.support.tables import global_id

TASK = """
query ($id: ID!) {
  task(id: $id) {
    __typename status progress attempt worker log finishedAt
    error { code message }
    video { vid }
    ... on TranscodeTask { pass speed playSets { resolution status } }
  }
}
"""
CANCEL = """
mutation ($id: ID!) {
  cancelTask(id: $id) {
    task { status error { code message } }
    userErrors {
      __typename code message path ... on InvalidStateError { currentState allowedStates }
    }
  }
}
"""


async def first_play(services: Services, video: Video) -> Task:
    return await factories.transcode_task(services.db, video, Resolution.P360)


async def ladder(services: Services, video: Video) -> Task:
    rungs = (Resolution.P720, Resolution.P480)
    return await factories.transcode_task(services.db, video, *rungs, kind=TranscodePass.LADDER)


async def running(services: Services, task: Task) -> Task:
    async with services.db.write() as session:
        run = await runs.claim(session, task.id, worker="here:1")
    assert run is not None
    return run


async def test_a_task_that_waits_is_shown(api: Api, services: Services, video: Video) -> None:
    task = await ladder(services, video)
    assert await api.run(TASK, id=global_id(task)) == {
        "task": {
            "__typename": "TranscodeTask",
            "status": "QUEUED",
            "progress": 0.0,
            "attempt": 0,
            "worker": None,
            "log": None,
            "finishedAt": None,
            "error": None,
            "video": {"vid": video.vid},
            "pass": "LADDER",
            "speed": None,
            "playSets": [
                {"resolution": "P480", "status": "INITIAL"},
                {"resolution": "P720", "status": "INITIAL"},
            ],
        }
    }


async def test_a_task_that_runs_shows_how_far_it_is(
    api: Api, services: Services, video: Video
) -> None:
    run = await running(services, await first_play(services, video))
    async with services.db.write() as session:
        assert await runs.report(session, run, progress=0.25, speed=8.5)
    found = (await api.run(TASK, id=global_id(run)))["task"]
    assert (found["status"], found["progress"], found["speed"]) == ("RUNNING", 0.25, 8.5)
    assert (found["attempt"], found["worker"]) == (1, "here:1")
    query = "query ($v: String!) { video(by: {vid: $v}) { playSets { progress task { id } } } }"
    assert await api.run(query, v=video.vid) == {
        "video": {"playSets": [{"progress": 0.25, "task": {"id": global_id(run)}}]}
    }


async def test_a_task_that_failed_says_why(api: Api, services: Services, video: Video) -> None:
    run = await running(services, await first_play(services, video))
    async with services.db.write() as session:
        await runs.fail(session, run, TranscodeFailed("ffmpeg ended with 1."), log="bad stream")
    found = (await api.run(TASK, id=global_id(run)))["task"]
    assert (found["status"], found["log"]) == ("FAILED", "bad stream")
    assert found["error"] == {"code": "TRANSCODE_FAILED", "message": "ffmpeg ended with 1."}
    assert found["finishedAt"].endswith("Z")


async def test_the_check_of_an_upload_is_a_task_too(api: Api) -> None:
    upload = await uploading.send(api, b"bytes")
    query = """query ($id: ID!) {
      uploadSession(id: $id) { task { id __typename status } video { id status } }
      tasks { nodes { id ... on VerifyTask { uploadSession { id } } video { id } } }
    }"""
    found = await api.run(query, id=upload)
    task = found["uploadSession"]["task"]
    assert (task["__typename"], task["status"]) == ("VerifyTask", "QUEUED")
    video = found["uploadSession"]["video"]
    assert video["status"] == "PROCESSING"
    assert found["tasks"]["nodes"] == [
        {"id": task["id"], "uploadSession": {"id": upload}, "video": {"id": video["id"]}}
    ]


LISTS = """
query ($v: String!, $status: [TaskStatus!], $after: String) {
  tasks(first: 2, after: $after, filter: {status: $status}) {
    totalCount nodes { id } pageInfo { endCursor hasNextPage }
  }
  video(by: {vid: $v}) { tasks(filter: {status: $status}) { totalCount nodes { id } } }
}
"""


async def test_tasks_are_listed_newest_first_for_all_videos_and_for_one(
    api: Api, services: Services, owner: factories.Owner, video: Video, wiper: psycopg.Connection
) -> None:
    other = await factories.video(services.db, owner.account)
    made: list[str] = []
    for age, subject in ((1, video), (3, other), (2, video)):
        task = await first_play_of(services, subject)
        wiper.execute(
            "update task set created_at = now() - %s * interval '1 hour' where id = %s",
            [age, task.id],
        )
        made.append(global_id(task))
    found = await api.run(LISTS, v=video.vid)
    assert [one["id"] for one in found["tasks"]["nodes"]] == [made[0], made[2]]
    assert (found["tasks"]["totalCount"], found["tasks"]["pageInfo"]["hasNextPage"]) == (3, True)
    of_video = found["video"]["tasks"]
    assert [one["id"] for one in of_video["nodes"]] == [made[0], made[2]]
    assert of_video["totalCount"] == 2
    found = await api.run(LISTS, v=video.vid, after=found["tasks"]["pageInfo"]["endCursor"])
    assert found["tasks"]["nodes"] == [{"id": made[1]}]


async def first_play_of(services: Services, video: Video) -> Task:
    """A task without play sets, of which a video can have any number."""
    return await factories.transcode_task(services.db, video)


async def test_tasks_are_listed_by_their_states(api: Api, services: Services, video: Video) -> None:
    waits = await first_play_of(services, video)
    begun = await running(services, await first_play_of(services, video))
    cases: list[tuple[Any, set[str]]] = [
        (["QUEUED"], {global_id(waits)}),
        (["RUNNING", "FAILED"], {global_id(begun)}),
        (["SUCCEEDED"], set()),
        ([], {global_id(waits), global_id(begun)}),
        (None, {global_id(waits), global_id(begun)}),
    ]
    for status, expected in cases:
        found = await api.run(LISTS, v=video.vid, status=status)
        for one in (found["tasks"], found["video"]["tasks"]):
            assert {node["id"] for node in one["nodes"]} == expected
            assert one["totalCount"] == len(expected)


FILTERED = "query ($f: TaskFilter) { tasks(filter: $f) { totalCount nodes { id } } }"


async def test_tasks_are_listed_by_kind_video_and_time(
    api: Api, services: Services, owner: factories.Owner, video: Video, wiper: psycopg.Connection
) -> None:
    other = await factories.video(services.db, owner.account)
    run = await first_play_of(services, video)
    probe = await factories.probe_task(services.db, other)
    wiper.execute("update task set created_at = '2026-01-01T12:00:00Z' where id = %s", [run.id])
    wiper.execute("update task set created_at = '2026-01-02T12:00:00Z' where id = %s", [probe.id])
    first, second = global_id(run), ids.encode("ProbeTask", probe.id)
    noon, next_noon = "2026-01-01T12:00:00Z", "2026-01-02T12:00:00Z"
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [second, first]),
        ({"kind": ["PROBE"]}, [second]),
        ({"kind": ["PROBE", "TRANSCODE"], "status": ["FAILED"]}, []),
        ({"kind": [], "status": [], "created": {}, "videoId": None}, [second, first]),
        ({"videoId": ids.encode("Video", video.id)}, [first]),
        ({"videoId": ids.encode("Video", video.id), "kind": ["PROBE"]}, []),
        ({"videoId": first}, []),
        ({"videoId": ""}, []),
        ({"created": {"from": noon, "to": next_noon}}, [first]),
        ({"created": {"from": next_noon}}, [second]),
        ({"created": {"to": noon}}, []),
    ]
    for given, expected in cases:
        found = (await api.run(FILTERED, f=given))["tasks"]
        assert [one["id"] for one in found["nodes"]] == expected, given
        assert found["totalCount"] == len(expected)


async def test_tasks_of_a_strangers_video_are_not_listed(
    stranger: Api, services: Services, video: Video
) -> None:
    await first_play_of(services, video)
    found = await stranger.run(FILTERED, f={"videoId": ids.encode("Video", video.id)})
    assert found == {"tasks": {"totalCount": 0, "nodes": []}}


CANCELLED = {
    "task": {
        "status": "CANCELLED",
        "error": {"code": "CANCELLED", "message": "The task was cancelled."},
    },
    "userErrors": [],
}
STATE = "query ($v: String!) { video(by: {vid: $v}) { status statusReason playSets { status } } }"


async def test_a_cancelled_task_takes_its_play_sets_along(
    api: Api, services: Services, video: Video
) -> None:
    first, rest = await first_play(services, video), await ladder(services, video)
    assert (await api.run(CANCEL, id=global_id(rest)))["cancelTask"] == CANCELLED
    failed, waits = {"status": "TRANSCODE_FAILED"}, {"status": "INITIAL"}
    assert await api.run(STATE, v=video.vid) == {
        "video": {
            "status": "PROCESSING",
            "statusReason": None,
            "playSets": [waits, failed, failed],
        }
    }
    del first


async def test_without_the_first_play_nothing_can_come(
    api: Api, services: Services, video: Video
) -> None:
    first, rest = await first_play(services, video), await ladder(services, video)
    assert (await api.run(CANCEL, id=global_id(first)))["cancelTask"] == CANCELLED
    assert (await api.run(TASK, id=global_id(rest)))["task"]["status"] == "CANCELLED"
    failed = {"status": "TRANSCODE_FAILED"}
    assert await api.run(STATE, v=video.vid) == {
        "video": {
            "status": "UPLOAD_FAILED",
            "statusReason": "The task was cancelled.",
            "playSets": [failed] * 3,
        }
    }


async def test_cancelling_again_changes_nothing(api: Api, services: Services, video: Video) -> None:
    task = await first_play(services, video)
    await api.run(CANCEL, id=global_id(task))
    before = await api.run(TASK, id=global_id(task))
    assert (await api.run(CANCEL, id=global_id(task)))["cancelTask"] == CANCELLED
    assert await api.run(TASK, id=global_id(task)) == before


async def test_a_task_that_is_over_cannot_be_cancelled(
    api: Api, services: Services, video: Video
) -> None:
    run = await running(services, await first_play(services, video))
    async with services.db.write() as session:
        assert await runs.succeed(session, run)
    (error,) = (await api.run(CANCEL, id=global_id(run)))["cancelTask"]["userErrors"]
    assert error == {
        "__typename": "InvalidStateError",
        "code": "INVALID_STATE",
        "message": "The task is SUCCEEDED; it must be QUEUED or RUNNING or PAUSED.",
        "path": ["id"],
        "currentState": "SUCCEEDED",
        "allowedStates": ["QUEUED", "RUNNING", "PAUSED"],
    }
    assert (await api.run(TASK, id=global_id(run)))["task"]["status"] == "SUCCEEDED"


async def test_an_id_of_something_else_is_no_task(api: Api, video: Video) -> None:
    for unknown in ("", ids.encode("Video", video.id), ids.encode("ClipTask", video.id)):
        (error,) = (await api.run(CANCEL, id=unknown))["cancelTask"]["userErrors"]
        assert error == {
            "__typename": "NotFoundError",
            "code": "NOT_FOUND",
            "message": "There is no Task with this id.",
            "path": ["id"],
        }


async def test_a_time_that_ends_before_it_begins_is_refused(api: Api) -> None:
    query = "query ($created: DateTimeRange) { tasks(filter: {created: $created}) { totalCount } }"
    early, late = "2026-11-21T09:30:00Z", "2026-11-21T09:30:01Z"
    with pytest.raises(OperationFailed) as failed:
        await api.run(query, created={"from": late, "to": early})
    assert failed.value.codes == ["INVALID_ARGUMENT"]
    assert failed.value.errors[0]["message"] == "created.from is after created.to."
    for created in ({"from": early, "to": late}, {"from": early, "to": early}, {"from": late}):
        assert (await api.run(query, created=created))["tasks"] == {"totalCount": 0}


async def test_cancelling_the_check_of_an_upload_fails_the_upload(
    api: Api, services: Services
) -> None:
    upload = await uploading.send(api, b"bytes")
    token = await uploading.token(services, upload)
    assert await uploading.is_held(services, token)
    found = await api.run("{ tasks { nodes { id } } }")
    (task,) = found["tasks"]["nodes"]
    assert (await api.run(CANCEL, **task))["cancelTask"] == CANCELLED
    session = await uploading.session(api, upload)
    assert (session["status"], session["error"]["code"]) == ("FAILED", "CANCELLED")
    reason = "The task was cancelled."
    del session["video"]["id"], session["video"]["vid"]
    assert session["video"] == {"status": "UPLOAD_FAILED", "statusReason": reason}
    assert not await uploading.is_held(services, token)
