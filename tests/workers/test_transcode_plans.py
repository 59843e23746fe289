"""What a dry run prints is what a worker then starts."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from db.models import Task
from domain.tasks import TaskStatus
from schema import ids
from tests.support.api import Api
from tests.support.house import House
from tests.support.templating import built_in, template, transcode

PLAN = """
query ($video: ID!, $templates: [ID!], $redo: Boolean) {
  transcodePlan(videoId: $video, templateIds: $templates, redo: $redo) { passes { arguments } }
}
"""


async def printed(api: Api, video: str, *templates: str, redo: bool) -> list[str]:
    variables = {"video": video, "templates": list(templates), "redo": redo}
    found = (await api.run(PLAN, **variables))["transcodePlan"]
    return [shlex.join(["ffmpeg", *one["arguments"]]) for one in found["passes"]]


async def started(house: House, before: set[Any]) -> list[str]:
    """What the tasks ran that were not there before, but for the number of threads.

    All of them came to their end.
    """
    tasks: list[Task] = [one for one in await house.rows(Task) if one.id not in before]
    assert {one.status for one in tasks} == {TaskStatus.SUCCEEDED}
    return [re.sub(r" -threads(:v:\d+)? \d+", "", str(one.command)) for one in tasks]


@pytest.mark.parametrize("redo", [False, True])
async def test_the_printed_arguments_are_those_that_run(
    house: House, api: Api, source: Path, *, redo: bool
) -> None:
    mine = (await template(api, resolution="P360", videoBitrate=300_000))["id"]
    video = ids.encode("Video", (await house.add(source)).id)
    await transcode(api, video, mine)
    await house.work()
    before = {one.id for one in await house.rows(Task)}
    await template(api, id=mine, resolution="P360", videoBitrate=200_000)
    wanted = [mine, built_in(16), built_in(6), *([built_in(1), built_in(5)] if redo else [])]
    expected = await printed(api, video, *wanted, redo=redo)
    assert (await transcode(api, video, *wanted, redo=redo))["userErrors"] == []
    await house.work()
    assert sorted(await started(house, before)) == sorted(expected)
    assert len(expected) == 2
