"""Which media type a response has, from the request's `Accept` (RFC 9110, 12.5.1)."""

from typing import Final

GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"

_OFFERS: Final = {
    GRAPHQL_RESPONSE: GRAPHQL_RESPONSE,
    JSON: JSON,
    "application/*": JSON,
    "*/*": JSON,
    # Streams and the explorer's page have types of their own; their errors are JSON.
    "text/event-stream": JSON,
    "text/html": JSON,
}


def media_type(accept: str | None) -> str | None:
    """The preferred type of a response; None when we have none that is accepted.

    At equal quality the newer type wins, wherever it stands.
    """
    if accept is None or not accept.strip():
        return JSON
    wanted = [_parse(part) for part in accept.lower().split(",")]
    offers = [(quality, _OFFERS[name]) for name, quality in wanted if quality and name in _OFFERS]
    if not offers:
        return None
    return max(offers, key=lambda offer: (offer[0], offer[1] == GRAPHQL_RESPONSE))[1]


def _parse(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return name, float(quality)
    except ValueError:
        return name, 0.0
