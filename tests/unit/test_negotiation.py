"""Which media type an `Accept` header gets."""

import pytest

from server.negotiation import GRAPHQL_RESPONSE, JSON, media_type


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
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
def test_the_preferred_type_is_chosen(accept: str | None, expected: str) -> None:
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
