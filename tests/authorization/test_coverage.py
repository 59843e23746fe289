"""The suite itself: every field of every type is answered to its owner, so that it can be missed.

What fails here when the schema grows says what to add: to `kinds.KIND_OF` the places of new
arguments, to the rows of `worlds` or of tests/equivalence (videos.py and its neighbours) what a
new type shows.
"""

from collections.abc import Generator
from typing import Any, Final

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
)

from tests.authorization.asking import ask, codes
from tests.authorization.documents import CORE, PUBLIC, UNASKED
from tests.authorization.questions import questions
from tests.authorization.worlds import OWNER, STRANGER, Worlds

IDLE: Final = {"Video.tasks(filter.videoId)": "of other videos than the one there are none in it"}
"""Questions that show their owner nothing, and why."""

ENOUGH: Final = 10
"""Times that the owner asks a question."""

THOROUGH: Final = ("node of", "Query.checkUpload")
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
            seen.update(_fields(answer["data"]))
            is_idle = is_idle and answer == stranger
            if not is_idle and not question.name.startswith(THOROUGH):
                break
        if is_idle and str(question) not in IDLE:
            idle.append(str(question))
    assert not idle, f"asked so, the owner sees no more than a stranger: {idle}"
    missing = _reachable() - seen - UNASKED.keys() - NEVER_THERE.keys()
    assert not missing, f"never answered, so never missed: {sorted(missing)}"
    assert not seen & NEVER_THERE.keys()


def _fields(found: Any) -> Generator[str]:
    """`Type.field` of all that is not null."""
    if isinstance(found, list):
        for one in found:
            yield from _fields(one)
    if isinstance(found, dict):
        for name, value in found.items():
            if value is not None:
                yield f"{found.get('__typename', 'Query')}.{name}"
                yield from _fields(value)


def _reachable() -> set[str]:
    """`Type.field` of all that can be asked for with a key."""
    found: set[str] = set()
    waiting: list[GraphQLNamedType] = [
        get_named_type(field.type)
        for name, field in _objects(CORE.query_type)[0].fields.items()
        if name not in PUBLIC
    ]
    known: set[str] = set()
    while waiting:
        for kind in _objects(waiting.pop()):
            if kind.name not in known:
                known.add(kind.name)
                for name, field in kind.fields.items():
                    found.add(f"{kind.name}.{name}")
                    if f"{kind.name}.{name}" not in UNASKED.keys() | NEVER_THERE.keys():
                        waiting.append(get_named_type(field.type))
    return found


def _objects(kind: GraphQLNamedType | None) -> list[GraphQLObjectType]:
    """The type's own fields are asked of each of its types."""
    if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
        return list(CORE.get_possible_types(kind))
    return [kind] if isinstance(kind, GraphQLObjectType) else []
