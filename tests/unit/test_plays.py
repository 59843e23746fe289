"""What a report of a play may say."""

import math

import pytest

from domain.error_codes import ErrorCode
from domain.errors import DomainError
from domain.plays import MAX_WATCHED_MS, Report


def refused(**values: object) -> tuple[ErrorCode, list[str]]:
    sent = {"session_id": "s", "watched_ms": 1, "progress": 0.5, "viewer_id": None, **values}
    with pytest.raises(DomainError) as failure:
        Report.of(**sent)  # pyright: ignore[reportArgumentType]
    return failure.value.code, list(failure.value.path)


def test_what_is_within_the_limits_is_kept() -> None:
    longest = Report.of("s" * 64, MAX_WATCHED_MS, progress=1.0, viewer_id="v" * 64)
    assert longest == Report("s" * 64, 86_400_000, 1.0, "v" * 64)
    assert Report.of(" s ", 0, progress=0.0) == Report("s", 0, 0.0, None)


@pytest.mark.parametrize(
    ("name", "value", "code", "path"),
    [
        ("session_id", "", ErrorCode.INVALID_ARGUMENT, "sessionId"),
        ("session_id", " ", ErrorCode.INVALID_ARGUMENT, "sessionId"),
        ("session_id", "s" * 65, ErrorCode.LIMIT_EXCEEDED, "sessionId"),
        ("session_id", "\0", ErrorCode.INVALID_ARGUMENT, "sessionId"),
        ("viewer_id", "", ErrorCode.INVALID_ARGUMENT, "viewerId"),
        ("viewer_id", "v" * 65, ErrorCode.LIMIT_EXCEEDED, "viewerId"),
        ("watched_ms", -1, ErrorCode.INVALID_ARGUMENT, "watchedMs"),
        ("watched_ms", MAX_WATCHED_MS + 1, ErrorCode.LIMIT_EXCEEDED, "watchedMs"),
        ("progress", -0.01, ErrorCode.INVALID_ARGUMENT, "progress"),
        ("progress", 1.01, ErrorCode.INVALID_ARGUMENT, "progress"),
        ("progress", math.nan, ErrorCode.INVALID_ARGUMENT, "progress"),
    ],
)
def test_what_is_not_is_refused(name: str, value: object, code: ErrorCode, path: str) -> None:
    assert refused(**{name: value}) == (code, [path])
