"""Whatever a stranger tries with what is the owner's: it is not there, and nothing happens.

Each id and storage id stands once in each place of each mutation that takes one, with good values
everywhere else. The other texts and digests of mutations name nothing: what a digest may tell of
files that others have is in tests/api/test_instant.py, as is whose a proof of possession is.
"""

from collections.abc import Generator
from typing import Any, Final

import pytest

from tests.authorization import known
from tests.authorization.asking import Asked, ask, ask_both, codes, differences
from tests.authorization.documents import document, type_of
from tests.authorization.kinds import KIND_OF
from tests.authorization.places import Place, places
from tests.authorization.worlds import NOBODY, OWNER, STRANGER, Worlds

MUTATION: Final = type_of("Mutation")
PLACES: Final = [
    place for place in places(MUTATION) if place.scalar == "ID" or place.key in KIND_OF
]


def tried(caller: str, place: Place, *, whose: str = OWNER) -> list[Asked]:
    slots = MUTATION.fields[place.field].args
    asked = document("Mutation", place.field)
    return [Asked(asked, one) for one in known.arguments(caller, slots, place, whose=whose)]


def found(answer: Any) -> Generator[str]:
    """The codes of all errors, wherever they are."""
    if isinstance(answer, dict):
        if "code" in answer:
            yield answer["code"]
        for value in answer.values():
            yield from found(value)
    if isinstance(answer, list):
        for value in answer:
            yield from found(value)


@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_a_stranger_finds_nothing_and_changes_nothing(place: Place, both: Worlds) -> None:
    for asked in tried(STRANGER, place):
        alone, beside = await ask_both(both, STRANGER, asked)
        told = differences(alone, beside)
        assert not told, f"{place} tells a stranger who sends {asked.variables}: {told}"
        assert "NOT_FOUND" in set(found(beside)), f"{place} with {asked.variables}: {beside}"
    changed = await both.changed()
    assert not changed, f"{place} changed rows of {changed}"


async def test_nobody_is_refused(both: Worlds) -> None:
    for name, field in MUTATION.fields.items():
        given = known.good(OWNER, field.args, f"Mutation.{name}")
        answer = await ask(both.beside, NOBODY, Asked(document("Mutation", name), given))
        assert (codes(answer), answer["data"]) == (["UNAUTHENTICATED"], None), name
    assert not await both.changed()


async def test_what_is_ones_own_is_found(both: Worlds) -> None:
    """In each of these places: so it is the id that the stranger is refused for, and not its kind.

    What deletes comes last, and what it deletes from after that.
    """
    order = sorted(PLACES, key=lambda one: ("delete" in one.field, str(one)))
    last = [one for one in order if "delete" in one.field]
    for place in [*order[: -len(last)], *reversed(last)]:
        asked = tried(STRANGER, place, whose=STRANGER)[0]
        answer = await ask(both.spare, STRANGER, asked)
        assert "NOT_FOUND" not in set(found(answer)), f"{place} with {asked.variables}: {answer}"
