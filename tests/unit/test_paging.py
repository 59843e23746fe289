"""Cursors, numbered pages, and which rows a window asks for."""

import base64
import json
from typing import Any

import pytest

from domain.errors import BadCursor, InvalidArgument, LimitExceeded
from domain.paging import MAX_OFFSET, MAX_PAGE_SIZE, Cursor, Window

CURSOR = Cursor("2026-01-01", "7")
TEXT = CURSOR.encode()


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("value", ["", "a", "ab", "abc", "é", "日本", 'a"b', "a\\b", "\0"])
def test_a_cursor_survives_its_way_to_the_client(value: str) -> None:
    text = Cursor(value, "id").encode()
    assert text.isascii()
    assert "=" not in text
    assert Cursor.decode(text) == Cursor(value, "id")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "not a cursor",
        "é",
        TEXT[:-1],
        TEXT + "!",
        f"{TEXT}\n",
        encoded(1),
        encoded(None),
        encoded([]),
        encoded(["a"]),
        encoded(["a", "b", "c"]),
        encoded(["a", 1]),
        encoded([None, "b"]),
        base64.urlsafe_b64encode(b'["\xff", "b"]').decode(),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
    ids=range(16),
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        Cursor.decode(text)


@pytest.mark.parametrize(
    ("arguments", "window"),
    [
        ({"first": 5}, Window(5)),
        ({"first": 0}, Window(0)),
        ({"first": MAX_PAGE_SIZE, "after": TEXT}, Window(MAX_PAGE_SIZE, CURSOR)),
        ({"last": 5}, Window(5, backwards=True)),
        ({"last": 5, "before": TEXT}, Window(5, CURSOR, backwards=True)),
        ({"first": 15, "last": 5, "before": TEXT}, Window(5, CURSOR, backwards=True)),
        ({"first": 5, "page": 1}, Window(5, page=1)),
        ({"first": 0, "page": 7}, Window(0, page=7)),
    ],
)
def test_a_window_begins_at_its_cursor(arguments: dict[str, Any], window: Window) -> None:
    assert Window.of(**arguments) == window


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({}, ("first",)),
        ({"first": -1}, ("first",)),
        ({"last": -1}, ("last",)),
        ({"before": TEXT}, ("last",)),
        ({"last": 5, "after": TEXT}, ()),
        ({"first": 5, "after": TEXT, "before": TEXT}, ()),
        ({"page": 1}, ("first",)),
        ({"first": -1, "page": 1}, ("first",)),
        ({"first": 5, "page": 0}, ("page",)),
        ({"first": 5, "page": -1}, ("page",)),
        ({"first": 5, "after": TEXT, "page": 1}, ("page",)),
        ({"last": 5, "page": 1}, ("page",)),
        ({"last": 5, "before": TEXT, "page": 1}, ("page",)),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(
    arguments: dict[str, Any], path: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidArgument) as failure:
        Window.of(**arguments)
    assert failure.value.path == path


@pytest.mark.parametrize("name", ["first", "last"])
def test_a_window_is_not_larger_than_the_limit(name: str) -> None:
    arguments: dict[str, Any] = {name: MAX_PAGE_SIZE + 1}
    with pytest.raises(LimitExceeded) as failure:
        Window.of(**arguments)
    assert (failure.value.limit, failure.value.path) == (MAX_PAGE_SIZE, (name,))


def test_a_window_with_a_bad_cursor_is_refused() -> None:
    with pytest.raises(BadCursor):
        Window.of(first=5, after="x")


@pytest.mark.parametrize(
    ("window", "offset"),
    [
        (Window(5), 0),
        (Window(5, CURSOR), 0),
        (Window(5, page=1), 0),
        (Window(5, page=2), 5),
        (Window(5, page=7), 30),
        (Window(0, page=7), 0),
    ],
)
def test_a_numbered_page_begins_where_those_before_it_end(window: Window, offset: int) -> None:
    assert window.offset == offset


def test_the_last_numbered_page_is_one_that_begins_within_the_limit() -> None:
    last = MAX_OFFSET // 50 + 1
    assert Window.of(first=50, page=last).offset == MAX_OFFSET
    with pytest.raises(LimitExceeded) as failure:
        Window.of(first=50, page=last + 1)
    found = failure.value
    assert (found.limit, found.actual, found.path) == (MAX_OFFSET, MAX_OFFSET + 50, ("page",))


def test_pages_without_items_are_never_too_far() -> None:
    assert Window.of(first=0, page=10**9) == Window(0, page=10**9)


def test_a_numbered_page_is_not_larger_than_the_limit() -> None:
    with pytest.raises(LimitExceeded) as failure:
        Window.of(first=MAX_PAGE_SIZE + 1, page=1)
    assert failure.value.path == ("first",)
