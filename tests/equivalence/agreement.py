"""When two responses are the same.

They are when their bytes are. The one exception is not the modes' doing: where a null spread
upwards, graphql-core reports whichever error came first, and of the fields that it then gave up
only the errors that were faster. So neither a second standard execution is sure to be the same.
"""

from collections.abc import Sequence
from typing import Any

import orjson

Path = tuple[str | int, ...]
Errors = dict[Path, list[Any]]


def agree(expected: bytes, found: bytes) -> bool:
    return expected == found or _agree_but_for_timing(expected, found)


def _agree_but_for_timing(expected: bytes, found: bytes) -> bool:
    """Whether only the errors below nulls differ, and none of them in what it says."""
    ours, theirs = orjson.loads(expected), orjson.loads(found)
    if orjson.dumps(ours["data"]) != orjson.dumps(theirs["data"]):
        return False
    data, (own, lost), (their_own, their_lost) = ours["data"], _errors(ours), _errors(theirs)
    common = lost.keys() & their_lost.keys()
    return (
        own == their_own
        and all(lost[path] == their_lost[path] for path in common)
        and {_nulled(data, path) for path in lost} == {_nulled(data, path) for path in their_lost}
    )


def _errors(response: Any) -> tuple[Errors, Errors]:
    """The errors by path: of fields that are null themselves, and of fields that were given up."""
    own: Errors = {}
    lost: Errors = {}
    for error in response.get("errors", ()):
        path = tuple(error.get("path", ()))
        kind = own if _nulled(response["data"], path) == path else lost
        kind.setdefault(path, []).append(error)
    return own, lost


def _nulled(data: Any, path: Sequence[str | int]) -> Path:
    """The beginning of the path that leads to a null."""
    for length, key in enumerate(path):
        if data is None:
            return tuple(path[:length])
        data = data[key]
    return tuple(path)
