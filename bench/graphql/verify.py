"""Every server must answer every workload alike before anything is measured."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from servers import Server, ServerFailed

MOMENTS = frozenset({"createdAt", "updatedAt", "publishedAt", "occurredAt"})
SHOWN = 300


def normalised(value: object) -> object:
    """The same, with every moment in one spelling."""
    if isinstance(value, list):
        return [normalised(one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {
            name: _moment(one) if name in MOMENTS and isinstance(one, str) else normalised(one)
            for name, one in fields.items()
        }
    return value


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds")


def leaves(value: object) -> int:
    if isinstance(value, list):
        return sum(leaves(one) for one in cast("list[object]", value))
    if isinstance(value, dict):
        return sum(leaves(one) for one in cast("dict[str, object]", value).values())
    return 1


def data_of(server: Server, workload: str, content: bytes) -> object:
    """The response's `data`; raises `ServerFailed` when it has errors."""
    response: dict[str, Any] = json.loads(content)
    if "errors" in response or not response.get("data"):
        raise ServerFailed(f"{server.kind.name} {workload}: {content!r:.1000}")
    return cast("object", response["data"])


def compare(server: Server, workload: str, expected: object, actual: object) -> None:
    """Raise `ServerFailed` with the first place where the two differ."""
    if server.kind.own_documents:
        if leaves(expected) != leaves(actual):
            raise ServerFailed(
                f"{server.kind.name} {workload}: {leaves(actual)} leaves, not {leaves(expected)}"
            )
        return
    path = _difference(normalised(expected), normalised(actual), "data")
    if path is not None:
        raise ServerFailed(f"{server.kind.name} {workload}: {path}")


def _difference(expected: object, actual: object, path: str) -> str | None:
    if expected == actual and type(expected) is type(actual):
        return None
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _in_object(
            cast("dict[str, object]", expected), cast("dict[str, object]", actual), path
        )
    if isinstance(expected, list) and isinstance(actual, list):
        return _in_list(cast("list[object]", expected), cast("list[object]", actual), path)
    return f"{path} is {actual!r:.{SHOWN}}, not {expected!r:.{SHOWN}}"


def _in_object(
    expected: Mapping[str, object], actual: Mapping[str, object], path: str
) -> str | None:
    if expected.keys() != actual.keys():
        return f"{path} has {sorted(actual)}, not {sorted(expected)}"
    found = (_difference(expected[name], actual[name], f"{path}.{name}") for name in expected)
    return next((one for one in found if one), None)


def _in_list(expected: Sequence[object], actual: Sequence[object], path: str) -> str | None:
    if len(expected) != len(actual):
        return f"{path} has {len(actual)} items, not {len(expected)}"
    pairs = enumerate(zip(expected, actual, strict=True))
    found = (_difference(one, other, f"{path}[{place}]") for place, (one, other) in pairs)
    return next((one for one in found if one), None)
