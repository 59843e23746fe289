"""Which videos may be simulated, and what is there at once."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from db.models import Task, Video
from domain.simulation import Simulation, Stage
from resolvers.context import Services
from tests.support.api import Api, OperationFailed

CREATE = """
mutation ($input: CreateVideoInput!) {
  createVideo(input: $input) {
    video { id status title sourceKind sourceId tasks { nodes { __typename status } } }
    userErrors { code path ... on LimitExceededError { limit actual } }
  }
}
"""


async def simulate(api: Api, **simulate: Any) -> dict[str, Any]:
    return await create(api, simulate={"durationMs": 1_000, **simulate})


async def create(api: Api, **input: Any) -> dict[str, Any]:
    return (await api.run(CREATE, input=input))["createVideo"]


async def test_the_video_is_there_at_once(api: Api, services: Services) -> None:
    payload = await simulate(api, speed=12.5, failAt="LADDER")
    assert payload == {
        "video": {
            "id": payload["video"]["id"],
            "status": "PROCESSING",
            "title": "Simulation",
            "sourceKind": "SIMULATION",
            "sourceId": None,
            "tasks": {"nodes": [{"__typename": "SimulateTask", "status": "QUEUED"}]},
        },
        "userErrors": [],
    }
    async with services.db.read() as session:
        kept = (await session.scalars(select(Video))).one().simulation
    assert kept is not None
    assert Simulation.from_json(kept) == Simulation(1_000, 12.5, Stage.LADDER)


async def test_it_is_as_fast_as_it_plays_and_succeeds_unless_told(
    api: Api, services: Services
) -> None:
    await simulate(api)
    async with services.db.read() as session:
        kept = (await session.scalars(select(Video))).one().simulation
    assert kept == {"duration_ms": 1_000, "pace": 1.0, "fail_at": None}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "too short": ({"durationMs": 999}, "durationMs"),
    "too long": ({"durationMs": 600_001}, "durationMs"),
    "too slow": ({"speed": 0.09}, "speed"),
    "too fast": ({"speed": 100.1}, "speed"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_simulated(api: Api, services: Services, name: str) -> None:
    wanted, field = REFUSED[name]
    error = {"code": "INVALID_ARGUMENT", "path": ["simulate", field]}
    assert await simulate(api, **wanted) == {"video": None, "userErrors": [error]}
    await check_nothing_was_made(services)


async def test_a_step_takes_ten_minutes_at_most(api: Api, services: Services) -> None:
    assert await simulate(api, durationMs=60_001, speed=0.1) == {
        "video": None,
        "userErrors": [
            {
                "code": "LIMIT_EXCEEDED",
                "path": ["simulate", "speed"],
                "limit": 600,
                "actual": 601,
            }
        ],
    }
    await check_nothing_was_made(services)
    assert (await simulate(api, durationMs=60_000, speed=0.1))["userErrors"] == []


async def test_a_speed_that_is_no_number_is_refused(api: Api, services: Services) -> None:
    """Python's JSON has NaN, and no comparison with it is true."""
    body = {"query": CREATE, "variables": {"input": {"simulate": {"durationMs": 1_000}}}}
    text = json.dumps(body).replace("1000}", '1000, "speed": NaN}')
    response = await api.http.post(
        "/graphql", content=text, headers={"content-type": "application/json"}
    )
    found = response.json()
    refused = found.get("errors") or found["data"]["createVideo"]["userErrors"]
    assert len(refused) == 1
    await check_nothing_was_made(services)


@pytest.mark.parametrize(
    "input",
    [
        {},
        {"sourceType": "cms", "sourceId": "1"},
        {"storageId": "x", "simulate": {"durationMs": 1_000}},
    ],
)
async def test_a_video_is_made_of_one_thing(
    api: Api, services: Services, input: dict[str, Any]
) -> None:
    error = {"code": "INVALID_ARGUMENT", "path": ["storageId"]}
    assert await create(api, **input) == {"video": None, "userErrors": [error]}
    await check_nothing_was_made(services)


@pytest.mark.parametrize(
    ("input", "missing"), [({"sourceType": "cms"}, "sourceId"), ({"sourceId": "1"}, "sourceType")]
)
async def test_an_origin_is_two_names(
    api: Api, services: Services, input: dict[str, str], missing: str
) -> None:
    error = {"code": "INVALID_ARGUMENT", "path": [missing]}
    refused = {"video": None, "userErrors": [error]}
    assert await create(api, simulate={"durationMs": 1_000}, **input) == refused
    await check_nothing_was_made(services)


async def test_one_origin_makes_one_simulation(api: Api) -> None:
    input = {"simulate": {"durationMs": 1_000}, "sourceType": "cms", "sourceId": "1"}
    assert (await create(api, **input))["video"]["sourceId"] == "1"
    (error,) = (await create(api, **input))["userErrors"]
    assert error == {"code": "DUPLICATE_CONTENT", "path": ["sourceId"]}


async def test_nobody_simulates_without_a_key(anonymous: Api, services: Services) -> None:
    with pytest.raises(OperationFailed) as refused:
        await simulate(anonymous)
    assert refused.value.codes == ["UNAUTHENTICATED"]
    await check_nothing_was_made(services)


async def check_nothing_was_made(services: Services) -> None:
    async with services.db.read() as session:
        assert (await session.scalars(select(Video))).all() == []
        assert (await session.scalars(select(Task))).all() == []
