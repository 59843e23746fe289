"""What viewers are shown of one tenant's videos says nothing of another's.

Who may see a video, and by which password, is in tests/api/test_shared_videos.py.
"""

from typing import Final

import pytest

from db.models import Video
from domain.videos import ShareState, VideoStatus
from schema import ids
from tests.authorization import worlds
from tests.authorization.asking import Asked, ask, ask_both, differences
from tests.authorization.documents import document, type_of
from tests.authorization.places import places
from tests.authorization.reach import reachable, shown
from tests.authorization.worlds import NOBODY, OWNER, STRANGER, Worlds
from tests.equivalence.tables import Row

SHARED: Final = document("Query", "sharedVideo")
WITHOUT: Final = """
query ($id: ID!, $exclude: [ID!]) {
  sharedVideo(id: $id) { ... on SharedVideo { recommended(exclude: $exclude) { vid } } }
}
"""
CALLERS: Final = (NOBODY, OWNER, STRANGER)
FIELDS: Final = reachable([type_of("SharedVideo")], ())
TYPES: Final = {one.partition(".")[0] for one in FIELDS}


def names(tenant: str, *, shared: bool) -> list[str]:
    """What the tenant's videos are asked for by: those that viewers may see, or the others."""
    return [
        name
        for row in worlds.belongings(tenant).of[Video]
        if shared is is_shared(row)
        for name in (row["vid"], ids.encode("Video", row["id"]))
    ]


def is_shared(row: Row) -> bool:
    published = row["status"] is VideoStatus.PUBLISHED
    return published and row["share_state"] is not ShareState.PRIVATE


@pytest.mark.parametrize("caller", CALLERS)
async def test_what_a_stranger_shares_is_shown_as_if_there_were_no_owner(
    caller: str, both: Worlds
) -> None:
    for name in names(STRANGER, shared=True):
        told = differences(*await ask_both(both, caller, Asked(SHARED, {"id": name})))
        assert not told, f"{name} tells {caller}: {told}"


@pytest.mark.parametrize("caller", CALLERS)
async def test_what_the_owner_does_not_share_is_as_if_it_were_not_there(
    caller: str, both: Worlds
) -> None:
    for name in names(OWNER, shared=False):
        told = differences(*await ask_both(both, caller, Asked(SHARED, {"id": name})))
        assert not told, f"{name} tells {caller}: {told}"


async def test_it_tells_nothing_to_leave_out_what_is_the_owners(both: Worlds) -> None:
    (place,) = (one for name in TYPES for one in places(type_of(name)))
    assert str(place) == "SharedVideo.recommended(exclude)"
    for left_out in names(OWNER, shared=True):
        asked = Asked(WITHOUT, {"id": f"{STRANGER}-clip", "exclude": [left_out]})
        alone, beside = await ask_both(both, NOBODY, asked)
        assert alone["data"]["sharedVideo"]["recommended"] == [{"vid": STRANGER}]
        assert beside == alone


async def test_every_field_is_there_so_that_it_can_be_missed(both: Worlds) -> None:
    seen: set[str] = set()
    for name in names(OWNER, shared=True):
        answer = await ask(both.beside, NOBODY, Asked(SHARED, {"id": name}))
        assert "errors" not in answer
        seen.update(shown(answer["data"]))
    missing = FIELDS - seen
    assert not missing, f"never shown, so never missed: {sorted(missing)}"
