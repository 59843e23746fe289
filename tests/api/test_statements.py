"""How many SQL statements a page costs: as many for twenty rows as for two."""

import pytest

from domain.videos import Resolution
from resolvers.context import Services
from server import wiring
from server.app import create_app
from server.settings import Settings
from tests.support import factories, uploading
from tests.support.api import Api
from tests.support.serving import serving
from tests.support.statements import recorded

VIDEOS = """
query ($first: Int!) {
  videos(first: $first) {
    totalCount
    nodes {
      title
      playback { hlsUrl }
      playSets { resolution progress task { status playSets { resolution } } video { vid } }
      tasks(first: 1) { totalCount nodes { id } pageInfo { hasNextPage } }
      failed: tasks(filter: {status: [FAILED]}) { nodes { id } }
    }
  }
}
"""
TASKS = """
query ($first: Int!) {
  tasks(first: $first) {
    nodes { id video { title playSets { status } } ... on TranscodeTask { playSets { status } } }
  }
}
"""
UPLOADS = """
query ($first: Int!) {
  uploadSessions(first: $first) {
    nodes { id missingChunks video { title } task { status } targets(indexes: [1]) { url } }
  }
}
"""


async def cost(api: Api, services: Services, query: str, first: int) -> int:
    """Statements for a page that really has so many rows."""
    with recorded(services) as statements:
        (connection,) = (await api.run(query, first=first)).values()
    assert len(connection["nodes"]) == first
    return len(statements)


@pytest.mark.parametrize(
    ("query", "expected"),
    # The page, its play sets, those to play, their tasks and videos, and the tasks' play sets;
    # the count; two pages of tasks, and a count of these. What has only columns and relations
    # is one statement.
    [(VIDEOS, 10), (TASKS, 1)],
)
async def test_a_page_of_videos_and_tasks_costs_the_same_for_any_size(
    api: Api, services: Services, owner: factories.Owner, query: str, expected: int
) -> None:
    await api.run("{ viewer { id } }")  # from here on the key is known
    for _ in range(20):
        video = await factories.video(services.db, owner.account)
        await factories.transcode_task(services.db, video, Resolution.P360, Resolution.P720)
    assert [await cost(api, services, query, first) for first in (2, 20)] == [expected] * 2


async def test_a_page_of_uploads_costs_the_same_for_any_size(api: Api, services: Services) -> None:
    for number in range(20):
        await uploading.begin(api, bytes([number]))
    # The page, their parts, their videos and their tasks.
    assert [await cost(api, services, UPLOADS, first) for first in (2, 20)] == [4, 4]


async def test_what_is_not_asked_for_costs_nothing(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    await api.run("{ viewer { id } }")
    await factories.video(services.db, owner.account)
    with recorded(services) as statements:
        await api.run("{ videos { nodes { title } pageInfo { hasNextPage } } }")
    assert len(statements) == 1
    with recorded(services) as statements:
        await api.run("{ limits { maxChunks } }")
    assert statements == []


async def test_a_setting_keeps_the_work_from_postgresql(
    settings: Settings, database_url: str, owner: factories.Owner, services: Services
) -> None:
    """Then objects are made of rows: a statement for each relation."""
    await factories.video(services.db, owner.account)
    query = "{ videos { nodes { title playSets { resolution } } } }"
    costs: list[int] = []
    for json_in_sql in (True, False):
        changed = settings.model_copy(update={"json_in_sql": json_in_sql})
        async with (
            wiring.open_services(changed, database_url) as others,
            serving(create_app(others)) as url,
            Api(url, owner.api_key) as api,
        ):
            await api.run("{ viewer { id } }")
            with recorded(others) as statements:
                await api.run(query)
            costs.append(len(statements))
    assert costs == [1, 2]
