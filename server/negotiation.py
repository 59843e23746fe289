"""Which media type a response has, from the request's `Accept` (RFC 9110, 12.5.1)."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final, TypeVar

GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"

_RANGES: Final = ("application/*", "*/*")
_ALSO_JSON: Final = (EVENT_STREAM, "text/html")
"""Streams and the explorer's page have types of their own; their errors are JSON."""

T = TypeVar("T")
_LONG: Final = 512


def _remembered(read: Callable[[str], T]) -> Callable[[str], T]:
    """Clients send the same few headers again and again; long ones would fill the memory."""
    known = lru_cache(maxsize=256)(read)

    @wraps(read)
    def remembering(header: str) -> T:
        return known(header) if len(header) <= _LONG else read(header)

    return remembering


@_remembered
def media_type(accept: str) -> str | None:
    """The preferred type of a response; None when we have none that is accepted.

    Without the header `accept` is empty. At equal quality the newer type wins wherever it is
    named, and the older one elsewhere.
    """
    if not accept.strip():
        return JSON
    wanted = dict(_parse(part) for part in accept.lower().split(","))
    newer = _quality(wanted, GRAPHQL_RESPONSE)
    older = max(_quality(wanted, JSON), *(wanted.get(name, 0) for name in _ALSO_JSON))
    if not newer and not older:
        return None
    if newer == older:
        return GRAPHQL_RESPONSE if GRAPHQL_RESPONSE in wanted else JSON
    return GRAPHQL_RESPONSE if newer > older else JSON


@_remembered
def wants_stream(accept: str) -> bool:
    """Whether server-sent events are accepted, at whatever quality."""
    return EVENT_STREAM in {_parse(part)[0] for part in accept.lower().split(",")}


def is_json(content_type: str) -> bool:
    """Whether a body is JSON; parameters such as a charset are allowed."""
    return content_type.partition(";")[0].strip() == JSON


def content_type(media_type: str) -> str:
    """The `Content-Type` of a body that is JSON."""
    return f"{media_type}; charset=utf-8"


def _quality(wanted: dict[str, float], name: str) -> float:
    """The most specific entry decides."""
    return next((wanted[entry] for entry in (name, *_RANGES) if entry in wanted), 0)


def _parse(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    text = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        quality = float(text)
    except ValueError:
        quality = 0.0
    return name, quality if 0 <= quality <= 1 else 0.0
