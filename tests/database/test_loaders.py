"""Batches of fields that are resolved object by object."""

import asyncio
from uuid import UUID, uuid4

from db.rows import Rows
from db.videos import VIDEOS
from resolvers.context import Services
from resolvers.loaders import Loaders
from tests.support import factories
from tests.support.statements import recorded

WANTED = Rows.of(VIDEOS, by="id")


async def test_what_is_asked_at_once_is_one_statement(
    services: Services, owner: factories.Owner
) -> None:
    keys = [(await factories.video(services.db, owner.account)).id for _ in range(5)]
    load = Loaders(services.reader, services.db)
    with recorded(services) as statements:
        found = await asyncio.gather(*(load.row(WANTED, key) for key in [*keys, uuid4()]))
    assert [one and one.id for one in found] == [*keys, None]
    assert len(statements) == 1


async def test_a_row_is_read_anew_each_time(services: Services, owner: factories.Owner) -> None:
    video = await factories.video(services.db, owner.account)
    load = Loaders(services.reader, services.db)
    with recorded(services) as statements:
        for _ in range(2):
            await load.row(WANTED, video.id)
    assert len(statements) == 2


async def test_a_load_that_was_cancelled_before_it_began_keeps_nobody_waiting(
    services: Services, owner: factories.Owner
) -> None:
    key: UUID = (await factories.video(services.db, owner.account)).id
    load = Loaders(services.reader, services.db)
    first = asyncio.ensure_future(load.row(WANTED, key))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    assert (await load.row(WANTED, key)).id == key
