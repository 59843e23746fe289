"""What the headers of strangers say, however they write it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import pytest

from domain import links
from domain.errors import FetchFailed
from outbound import headers
from outbound.headers import ContentRange

NOON = "Sat, 21 Nov 2026 12:00:00 GMT"
SECOND_LATER = "Sat, 21 Nov 2026 12:00:01 GMT"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a film.mp4"', "a film.mp4"),
        ("attachment;filename=film.mp4", "film.mp4"),
        ('attachment; filename="say \\"a\\".mp4"', 'say "a".mp4'),
        ("inline; FileName=%E7%89%87.mp4; size=3", "片.mp4"),
        ("attachment; filename=b.mp4; filename*=UTF-8''%E7%89%87.mp4", "片.mp4"),
        ("attachment; filename*=GBK'zh'%C6%AC.mp4", "片.mp4"),
        ("attachment; filename*=unicode_escape''%E7%89%87.mp4", "片.mp4"),
        ('attachment; filename="片.mp4"', "片.mp4"),
        ('attachment; filename="\udcb5\udce7\udcd3\udcb0.mp4"', "电影.mp4"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\films\\\\a.mp4"', "a.mp4"),
        ('attachment; filename=""', "url name.mp4"),
        ('attachment; filename="\udcff"', "url name.mp4"),
        (f'attachment; filename="{"x" * 256}"', "url name.mp4"),
        ('attachment; xfilename="a"', "url name.mp4"),
        ("", "url name.mp4"),
    ],
)
def test_the_name_of_a_file(disposition: str, name: str) -> None:
    link = links.check("http://a.example/films/url%20name.mp4?x=/y.mp4")
    assert headers.file_name({"Content-Disposition": disposition}, link) == name


@pytest.mark.parametrize("path", ["", "/", "/films/", f"/{'x' * 256}", "/%00"])
def test_a_file_without_a_name(path: str) -> None:
    assert headers.file_name({}, links.check(f"http://a.example{path}")) is None


@pytest.mark.parametrize(
    ("found", "validator"),
    [
        ({"ETag": '"abc"'}, '"abc"'),
        ({"ETag": '"abc"', "Last-Modified": NOON, "Date": SECOND_LATER}, '"abc"'),
        ({"ETag": 'W/"abc"'}, None),
        ({"ETag": "abc"}, None),
        ({"ETag": '"a\r\nb"'}, None),
        ({"ETag": 'W/"abc"', "Last-Modified": NOON, "Date": SECOND_LATER}, NOON),
        ({"Last-Modified": NOON, "Date": NOON}, None),
        ({"Last-Modified": SECOND_LATER, "Date": NOON}, None),
        ({"Last-Modified": NOON}, None),
        ({"Last-Modified": "yesterday", "Date": NOON}, None),
        ({}, None),
    ],
)
def test_only_a_strong_validator_counts(found: dict[str, str], validator: str | None) -> None:
    assert headers.validator(found) == validator


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        *(("120", 120), ("0", 0), ("999999999", 86_400), ("-1", None), ("soon", None), ("", None)),
        *((NOON.replace("2026", "1999"), 0), (NOON.replace("2026", "2999"), 86_400)),
    ],
)
def test_how_long_a_server_wants_to_be_left_alone(written: str, seconds: int | None) -> None:
    assert headers.retry_after_s({"Retry-After": written}) == seconds


def test_a_server_may_say_until_when() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    assert headers.retry_after_s({"Retry-After": until}) in range(290, 302)


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("bytes 0-0/1", ContentRange(0, 1, 1)),
        ("Bytes 5-9/10", ContentRange(5, 10, 10)),
        ("bytes 5-9/*", ContentRange(5, 10, None)),
    ],
)
def test_a_range_is_read(written: str, part: ContentRange) -> None:
    assert headers.content_range({"Content-Range": written}) == part


@pytest.mark.parametrize(
    "written",
    [
        *("", "5-9/10", "items 5-9/10", "bytes */10", "bytes 5-/10", "bytes 9-5/10"),
        *("bytes 5-10/10", "bytes -5-9/10", f"bytes 5-{'9' * 19}/*", "bytes 5-9/10, 11-12/13"),
    ],
)
def test_a_range_that_cannot_be_is_refused(written: str) -> None:
    with pytest.raises(FetchFailed):
        headers.content_range({"Content-Range": written})


@pytest.mark.parametrize(
    ("written", "length"), [("7", 7), ("", None), ("-7", None), ("7, 7", None)]
)
def test_a_length_is_read(written: str, length: int | None) -> None:
    assert headers.content_length({"Content-Length": written}) == length


def test_names_survive_both_codings() -> None:
    for name in ("片 子.mp4", "a%b.mp4", "ü;ö.mp4"):
        written = f"attachment; filename*=UTF-8''{quote(name)}"
        assert headers.file_name({"Content-Disposition": written}, links.check("http://a/")) == name
