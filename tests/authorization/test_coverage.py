"""The suite itself: every field of every type is answered to its owner, so that it can be missed.

What fails here when the schema grows says what to add: to `kinds.KIND_OF` the places of new
arguments, to the rows of `worlds` or of tests/equivalence (videos.py and its neighbours) what a
new type shows.
"""

from typing import Final

from graphql import get_named_type

from tests.authorization.asking import ask, codes
from tests.authorization.documents import PUBLIC, UNASKED, type_of
from tests.authorization.questions import questions
from tests.authorization.reach import reachable, shown
from tests.authorization.worlds import OWNER, STRANGER, Worlds

IDLE: Final = {"Video.tasks(filter.videoId)": "of other videos than the one there are none in it"}
"""Questions that show their owner nothing, and why."""

ENOUGH: Final = 10
"""Times that the owner asks a question."""

THOROUGH: Final = ("nodes of", "Query.checkUpload")
"""What the names of questions begin with that are asked more than once, for all that they show."""

NEVER_THERE: Final = {
    "UploadSession.targets": "asks which chunks; tests/api/test_uploads.py has its links",
    "PlannedRendition.template": "deeper than is asked; templates are asked for by themselves",
    "PageInfo.pageNumber": "only of pages by number, which are the same pages",
    "ExportTask.video": "an export works on none",
    "FetchTask.video": "nor does a fetch",
    "PlaybackInfo.viewerId": "only of playback tokens",
    "Share.password": "the rows' passwords are sealed by nobody",
    "Ban.by": "the rows were banned by no key",
    **dict.fromkeys(
        (
            *("ClipTask.error", "ClipTask.finishedAt", "SpliceTask.error", "SpliceTask.finishedAt"),
            "ProbeTask.startedAt",
        ),
        "of the few tasks of this kind; those of other kinds have it",
    ),
}
"""`Type.field` of what the suite's rows do not have, and why."""


async def test_the_owner_is_answered_and_every_field_is_there(both: Worlds) -> None:
    seen: set[str] = set()
    idle: list[str] = []
    for question in questions():
        stranger = await ask(both.beside, STRANGER, question.asked_by(STRANGER)[0])
        is_idle = True
        for asked in question.asked_by(OWNER)[:ENOUGH]:
            answer = await ask(both.beside, OWNER, asked)
            assert "INTERNAL" not in codes(answer), f"{question}: {answer['errors']}"
            seen.update(shown(answer["data"]))
            is_idle = is_idle and answer == stranger
            if not is_idle and not question.name.startswith(THOROUGH):
                break
        if is_idle and str(question) not in IDLE:
            idle.append(str(question))
    assert not idle, f"asked so, the owner sees no more than a stranger: {idle}"
    missing = _reachable() - seen - UNASKED.keys() - NEVER_THERE.keys()
    assert not missing, f"never answered, so never missed: {sorted(missing)}"
    assert not seen & NEVER_THERE.keys()


def _reachable() -> set[str]:
    """`Type.field` of all that can be asked for with a key."""
    fields = type_of("Query").fields
    kinds = [get_named_type(one.type) for name, one in fields.items() if name not in PUBLIC]
    return reachable(kinds, UNASKED.keys() | NEVER_THERE.keys())
