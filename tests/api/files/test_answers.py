"""Handing out one file over HTTP: whole, by range, or not at all."""

import os
from email.utils import formatdate

import pytest

from server.files import PIECE
from tests.support.handing import CLIP, Site


async def test_the_whole_file_is_described(site: Site) -> None:
    os.utime(site.path, ns=(0, 1_700_000_000_123_456_789))

    got = await site.get()

    assert (got.status_code, got.content) == (200, CLIP)
    assert {name: got.headers[name] for name in got.headers if name not in ("date", "server")} == {
        "content-type": "video/mp4",
        "content-length": "10",
        "accept-ranges": "bytes",
        "cache-control": "public, max-age=60",
        "access-control-allow-origin": "*",
        "etag": f'"{site.path.stat().st_ino:x}-a-{1_700_000_000_123_456_789:x}"',
        "last-modified": formatdate(1_700_000_000, usegmt=True),
    }
    assert not site.is_open()


async def test_a_file_of_many_pieces_arrives_as_it_is(site: Site) -> None:
    site.path.write_bytes(content := os.urandom(3 * PIECE + 1))

    assert (await site.get()).content == content
    assert site.sent == ["http.response.start", PIECE, PIECE, PIECE, 1]


@pytest.mark.parametrize(
    ("value", "content_range", "content"),
    [
        ("bytes=0-0", "bytes 0-0/10", b"0"),
        ("bytes=3-5", "bytes 3-5/10", b"345"),
        ("bytes=7-", "bytes 7-9/10", b"789"),
        ("bytes=-2", "bytes 8-9/10", b"89"),
        ("bytes=0-", "bytes 0-9/10", CLIP),
    ],
)
async def test_a_range_is_sent_alone(
    site: Site, value: str, content_range: str, content: bytes
) -> None:
    got = await site.get({"Range": value})

    assert (got.status_code, got.content) == (206, content)
    assert got.headers["content-range"] == content_range
    assert got.headers["content-length"] == str(len(content))
    assert got.headers["content-type"] == "video/mp4"


async def test_a_range_may_start_and_end_inside_pieces(site: Site) -> None:
    site.path.write_bytes(content := os.urandom(3 * PIECE))

    got = await site.get({"Range": f"bytes=1000-{2 * PIECE + 1}"})

    assert got.content == content[1000 : 2 * PIECE + 2]


@pytest.mark.parametrize("value", ["bytes=0-1,4-5", "bytes=5-1", "seconds=0-1"])
async def test_a_range_that_is_ignored_gets_the_whole_file(site: Site, value: str) -> None:
    got = await site.get({"Range": value})

    assert (got.status_code, got.content) == (200, CLIP)
    assert "content-range" not in got.headers


async def test_a_range_behind_the_end_is_refused(site: Site) -> None:
    got = await site.get({"Range": "bytes=10-"})

    assert (got.status_code, got.content) == (416, b"")
    assert got.headers["content-range"] == "bytes */10"
    assert got.headers["access-control-allow-origin"] == "*"
    assert "cache-control" not in got.headers


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-1"}], ids=["plain", "with a range"])
async def test_head_describes_the_whole_file(site: Site, headers: dict[str, str]) -> None:
    got = await site.client.head("/", headers=headers)

    assert (got.status_code, got.content) == (200, b"")
    assert got.headers["content-length"] == "10"
    assert got.headers["etag"] == (await site.get()).headers["etag"]


async def test_an_empty_file_is_sent(site: Site) -> None:
    site.path.write_bytes(b"")

    got = await site.get({"Range": "bytes=0-"})

    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", "0")


async def test_a_tag_that_is_given_is_used(site: Site) -> None:
    site.etag = "abc"

    assert (await site.get()).headers["etag"] == '"abc"'


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
async def test_a_known_file_is_not_sent_again(site: Site, known: str) -> None:
    tag = (await site.get()).headers["etag"]

    got = await site.get({"If-None-Match": known.format(tag), "Range": "bytes=0-1"})

    assert (got.status_code, got.content) == (304, b"")
    assert got.headers["etag"] == tag
    assert got.headers["cache-control"] == "public, max-age=60"
    assert got.headers["access-control-allow-origin"] == "*"


async def test_another_file_than_the_known_one_is_sent(site: Site) -> None:
    tag = (await site.get()).headers["etag"]
    os.utime(site.path, ns=(0, site.path.stat().st_mtime_ns + 1))

    got = await site.get({"If-None-Match": tag})

    assert (got.status_code, got.content) == (200, CLIP)
    assert got.headers["etag"] != tag


@pytest.mark.parametrize(
    ("validator", "status"),
    [('"abc"', 206), ('W/"abc"', 200), ('"other"', 200), (formatdate(1e9, usegmt=True), 200)],
)
async def test_if_range_continues_only_the_same_file(
    site: Site, validator: str, status: int
) -> None:
    site.etag = "abc"
    os.utime(site.path, (1e9, 1e9))

    assert (await site.get({"Range": "bytes=1-2", "If-Range": validator})).status_code == status


async def test_without_a_file_nothing_is_sent_and_the_caller_decides(site: Site) -> None:
    site.path.unlink()
    assert (await site.get()).status_code == 404

    site.path.mkdir()
    assert (await site.get()).status_code == 404
    assert not site.is_open()

    site.path.rmdir()
    assert site.sent == []
