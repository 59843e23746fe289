"""Which media type a response has, from the request's `Accept` (RFC 9110, 12.5.1)."""

from typing import Final

GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"

_RANGES: Final = ("application/*", "*/*")
_ALSO_JSON: Final = ("text/event-stream", "text/html")
"""Streams and the explorer's page have types of their own; their errors are JSON."""


def media_type(accept: str | None) -> str | None:
    """The preferred type of a response; None when we have none that is accepted.

    At equal quality the newer type wins wherever it is named, and the older one elsewhere.
    """
    if accept is None or not accept.strip():
        return JSON
    wanted = dict(_parse(part) for part in accept.lower().split(","))
    newer = _quality(wanted, GRAPHQL_RESPONSE)
    older = max(_quality(wanted, JSON), *(wanted.get(name, 0) for name in _ALSO_JSON))
    if not newer and not older:
        return None
    if newer == older:
        return GRAPHQL_RESPONSE if GRAPHQL_RESPONSE in wanted else JSON
    return GRAPHQL_RESPONSE if newer > older else JSON


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
