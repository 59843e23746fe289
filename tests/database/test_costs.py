"""What templates have cost, remembered."""

import pytest
from sqlalchemy import select

from db import costs, videos
from db.models import Task, TemplateCost, Video
from domain import costs as rules
from domain.estimates import estimate
from domain.simulation import Simulation
from domain.templates import Template
from domain.videos import Resolution, TranscodePass
from jobs import plans
from jobs.runs import Tools
from resolvers.context import Services
from tests.support import factories
from tests.support.factories import SOURCE, template

LOW, HIGH = template(Resolution.P360), template(Resolution.P720)


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> Video:
    return await factories.video(services.db, owner.account)


async def learn(services: Services, video: Video, *templates: Template, seconds: float) -> None:
    async with services.db.write() as session:
        await costs.learn(session, video, templates, seconds=seconds)


async def known(services: Services) -> dict[object, tuple[str, float, int]]:
    async with services.db.read() as session:
        rows = await session.scalars(select(TemplateCost))
        return {row.template_id: (row.source_class, row.cost, row.samples) for row in rows}


async def expected(services: Services, video: Video, *templates: Template) -> float | None:
    async with services.db.read() as session:
        return await costs.expected_s(session, video, templates)


async def test_the_latest_run_counts_for_three_tenths(services: Services, video: Video) -> None:
    await learn(services, video, LOW, seconds=40)
    assert await known(services) == {LOW.id: ("720p30", 10, 1)}
    await learn(services, video, LOW, seconds=20)
    assert await known(services) == {LOW.id: ("720p30", 0.7 * 10 + 0.3 * 5, 2)}
    assert await expected(services, video, LOW) == 34


async def test_each_template_of_a_run_learns_its_share(services: Services, video: Video) -> None:
    await learn(services, video, HIGH, LOW, seconds=40)
    low, high = estimate(SOURCE, [LOW, HIGH])
    assert await known(services) == {
        LOW.id: ("720p30", pytest.approx(10 * low.work), 1),
        HIGH.id: ("720p30", pytest.approx(10 * high.work), 1),
    }
    assert await expected(services, video, LOW, HIGH) == pytest.approx(40)


async def test_what_is_learned_of_one_class_says_nothing_of_another(
    services: Services, video: Video
) -> None:
    await learn(services, video, LOW, seconds=40)
    async with services.db.write() as session:
        other = await session.get_one(Video, video.id)
        other.source = {**SOURCE.to_json(), "width": 1920, "height": 1080}
    reckoned = estimate(SOURCE, [LOW])[0].cpu_s / rules.ASSUMED_CORES
    found = await expected(services, other, LOW)
    assert found is not None
    assert reckoned < found < 10


async def test_nothing_is_learned_of_a_simulation(services: Services, video: Video) -> None:
    async with services.db.write() as session:
        simulated = await session.get_one(Video, video.id)
        simulated.simulation = Simulation(4_000, 0.5).to_json()
    await learn(services, simulated, LOW, seconds=40)
    assert await known(services) == {}
    assert await expected(services, simulated, LOW) == 4 / 0.5


async def test_a_planned_pass_knows_what_it_will_cost(
    tools: Tools, services: Services, video: Video
) -> None:
    await learn(services, video, LOW, seconds=40)
    async with services.db.write() as session:
        locked = await videos.lock(session, video.id)
        assert locked is not None
        await plans.transcode(session, tools.queue, locked, [LOW, HIGH])
    async with services.db.read() as session:
        found = {one.transcode_pass: one for one in await session.scalars(select(Task))}
    assert found[TranscodePass.FIRST_PLAY].cost_s == 40
    reckoned = estimate(SOURCE, [HIGH])[0].cpu_s / rules.ASSUMED_CORES
    assert found[TranscodePass.LADDER].cost_s == pytest.approx(reckoned)
    ladder = found[TranscodePass.LADDER]
    assert (ladder.queue, ladder.job_id) == ("transcode", None)
