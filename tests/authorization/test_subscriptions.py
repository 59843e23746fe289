"""Who watches what is the owner's: it is not there, and of his events none is heard."""

import asyncio
from contextlib import aclosing
from typing import Any, Final

import orjson
import pytest

from resolvers.context import Services
from schema.root import schema
from tests.authorization import known
from tests.authorization.asking import Asked, ask_both, codes, differences
from tests.authorization.documents import document, type_of
from tests.authorization.places import Place, places
from tests.authorization.worlds import NOBODY, OWNER, STRANGER, Worlds, context
from tests.equivalence import modes

SUBSCRIPTION: Final = type_of("Subscription")
PLACES: Final = [one for one in places(SUBSCRIPTION) if one.scalar == "ID"]
SOON_S: Final = 10


async def first(services: Services, caller: str, asked: Asked) -> Any:
    """The first message, as the server sends it."""
    results = await schema.stream(asked.document, asked.variables, context(services, caller))
    async with asyncio.timeout(SOON_S), aclosing(results):
        result = await anext(results)
    return orjson.loads(modes.answer(result.data, result.errors, "").body)


def watched(caller: str, place: Place) -> list[Asked]:
    asked = document("Subscription", place.field)
    given = known.arguments(caller, SUBSCRIPTION.fields[place.field].args, place)
    return [Asked(asked, one) for one in given]


@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_a_stranger_finds_nothing_to_watch(place: Place, both: Worlds) -> None:
    for asked in watched(STRANGER, place):
        alone, beside = await ask_both(both, STRANGER, asked, how=first)
        told = differences(alone, beside)
        assert not told, f"{place} tells a stranger who sends {asked.variables}: {told}"
        assert codes(beside) == ["NOT_FOUND"], f"{place} with {asked.variables}"


@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_the_owner_is_sent_something(place: Place, both: Worlds) -> None:
    answer = await first(both.beside, OWNER, watched(OWNER, place)[0])
    assert "errors" not in answer, f"{place}: {answer['errors']}"


async def test_a_stranger_hears_of_his_own_events_only(both: Worlds) -> None:
    """Of all there ever were, those of the owner are the first."""
    (place,) = (one for one in places(SUBSCRIPTION) if one.scalar == "EventCursor")
    (asked,) = watched(STRANGER, place)
    alone, beside = await ask_both(both, STRANGER, asked, how=first)
    assert not differences(alone, beside)
    assert beside["data"]["playSetReady"]["video"]["vid"] == f"{STRANGER}-clip"
    assert await first(both.beside, OWNER, asked) != beside


async def test_nobody_is_refused(both: Worlds) -> None:
    for name, field in SUBSCRIPTION.fields.items():
        given = known.good(OWNER, field.args, f"Subscription.{name}")
        answer = await first(both.beside, NOBODY, Asked(document("Subscription", name), given))
        assert (codes(answer), answer["data"]) == (["UNAUTHENTICATED"], None), name
