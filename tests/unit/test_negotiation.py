"""What the headers `Accept` and `Content-Type` mean."""

import pytest

from server.negotiation import GRAPHQL_RESPONSE, JSON, is_json, media_type, wants_stream


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        (" ", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;charset=utf-8", GRAPHQL_RESPONSE),
        ("application/json, application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/json, application/graphql-response+json;q=0.9", JSON),
        ("application/json;q=0.8, application/graphql-response+json;q=0.9", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0.5, */*", JSON),
        ("application/json, */*", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        ("text/event-stream", JSON),
        ("text/html", JSON),
        ("image/png, application/json;q=0.001", JSON),
    ],
)
def test_the_preferred_type_is_chosen(accept: str, expected: str) -> None:
    assert media_type(accept) == expected


@pytest.mark.parametrize(
    "accept",
    [
        "text/plain",
        "application/xml, image/*",
        "application/json;q=0",
        "*/*;q=0",
        "application/json;q=0.0, text/plain",
    ],
)
def test_nothing_is_chosen_when_nothing_of_ours_is_accepted(accept: str) -> None:
    assert media_type(accept) is None


def test_a_type_that_is_refused_by_name_is_not_chosen_by_a_wildcard() -> None:
    assert media_type("application/json;q=0, */*") == GRAPHQL_RESPONSE
    assert media_type("application/graphql-response+json;q=0, application/*") == JSON


@pytest.mark.parametrize("quality", ["much", "", "nan", "inf", "-1", "2"])
def test_a_quality_that_is_no_number_from_0_to_1_refuses(quality: str) -> None:
    assert media_type(f"application/json;q={quality}") is None


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/event-stream", True),
        ("application/json, Text/Event-Stream;q=0.1", True),
        ("text/event-stream-like", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_a_stream_is_wanted_only_by_name(accept: str, *, expected: bool) -> None:
    assert wants_stream(accept) is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("application/json", True),
        (" application/json ; charset=utf-8", True),
        ("application/jsonp", False),
        ("Application/JSON", False),
        ("", False),
    ],
)
def test_json_may_have_parameters(given: str, *, expected: bool) -> None:
    assert is_json(given) is expected


def test_a_header_of_any_length_is_read() -> None:
    assert media_type("image/png, " * 10_000 + JSON) == JSON
