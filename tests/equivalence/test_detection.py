"""The suite itself: a mode that is wrong in some small way is found."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any, Final, cast

import orjson
import pytest

from resolvers.context import Context, Services
from schema.execution.engine import Schema
from tests.equivalence import modes
from tests.equivalence.documents import Question, Shape
from tests.equivalence.exploring import MARKS, explore, faulty
from tests.equivalence.modes import Answer, Execute

pytestmark = MARKS

ANYWHERE: Final = Shape("anywhere", ("videos", "tasks", "viewer"), risky=50)
BIG: Final = 2**53
"""orjson does not write whole numbers of any size."""
Change = Callable[[Any], Any]
"""Makes an object, a list or a leaf of a response wrong; what is in it has been seen to."""


def _each(value: Any, change: Change) -> Any:
    if isinstance(value, dict):
        of = cast("dict[str, Any]", value)
        return change({key: _each(one, change) for key, one in of.items()})
    if isinstance(value, list):
        return change([_each(one, change) for one in cast("list[Any]", value)])
    return change(value)


def _backwards(value: Any) -> Any:
    return dict(reversed(value.items())) if isinstance(value, dict) else value


def _empty_text_for_null(value: Any) -> Any:
    return "" if value is None else value


def _whole_number(value: Any) -> Any:
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole and abs(value) < BIG else value


def _short_fraction(value: Any) -> Any:
    return re.sub(r"(:\d\d\.\d+?)0+Z$", r"\1Z", value) if isinstance(value, str) else value


def _control_lost(value: Any) -> Any:
    return value.replace("\u2028", " ") if isinstance(value, str) else value


def _short_list(value: Any) -> Any:
    return value[:7] if isinstance(value, list) else value


def _error_lost(response: Any) -> Any:
    if isinstance(response, dict) and len(response.get("errors", ())) > 1:
        return response | {"errors": response["errors"][:1]}
    return response


def _other_path(value: Any) -> Any:
    if isinstance(value, dict) and "path" in value and "locations" in value:
        return value | {"path": value["path"][:-1]}
    return value


WRONG: Final = {
    "keys in another order": _backwards,
    "an empty text for null": _empty_text_for_null,
    "1 for 1.0": _whole_number,
    ".12Z for .120000Z": _short_fraction,
    "a separator lost": _control_lost,
    "at most seven items": _short_list,
    "the first error only": _error_lost,
    "an error of the parent": _other_path,
}


def broken(change: Change) -> Execute:
    execute = modes.executor(modes.STANDARD)

    async def executed(schema: Schema, question: Question, context: Context) -> Answer:
        found = await execute(schema, question, context)
        body = orjson.dumps(_each(orjson.loads(found.body), change))
        return dataclasses.replace(found, body=body)

    return executed


async def alias_forgotten(schema: Schema, question: Question, context: Context) -> Answer:
    """As a plan does that was kept for another document with the same fields."""
    plain = re.sub(r"\w+: (\w+)(?=[ @]|$)", r"\1", question.document, flags=re.MULTILINE)
    execute = modes.executor(modes.STANDARD)
    return await execute(schema, dataclasses.replace(question, document=plain), context)


@pytest.mark.parametrize("name", sorted({"an alias forgotten", *WRONG}))
async def test_a_wrong_mode_is_found(name: str, filled: Services) -> None:
    wrong = broken(WRONG[name]) if name in WRONG else alias_forgotten
    executors = {modes.STANDARD: modes.executor(modes.STANDARD), "wrong": wrong}
    with pytest.raises(modes.Disagreement):
        await explore(ANYWHERE, faulty(), executors, filled, simplify=False)
