"""Downloads that go on where they ended, and servers that play games with parts."""

import asyncio

import pytest

from domain.errors import FetchFailed, FetchInterrupted
from outbound import download
from outbound.client import Client
from outbound.download import Limits
from outbound.spans import Resume
from tests.strangers.conftest import Request, Stranger, answer
from tests.strangers.films import FILM, HALF, MIB, SIZE, TAG, fetched, part

NOON, LATER = "Sat, 21 Nov 2026 12:00:00 GMT", "Sat, 21 Nov 2026 13:00:00 GMT"


async def test_a_download_goes_on(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = part(5000, SIZE)
    found, body = await fetched(client, stranger, resume=HALF)
    assert (found.offset, found.size, found.validator) == (5000, SIZE, TAG)
    assert body == FILM[5000:]
    (request,) = stranger.requests
    assert (request.headers["range"], request.headers["if-range"]) == ("bytes=5000-", TAG)


async def test_a_download_goes_on_by_date(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = answer(body=FILM, Last_Modified=NOON, Date=LATER)
    found, _ = await fetched(client, stranger)
    assert found.validator == NOON
    stranger.pages["/"] = part(1, SIZE)
    found, body = await fetched(client, stranger, resume=Resume(1, NOON))
    assert (found.validator, body) == (NOON, FILM[1:])
    assert stranger.requests[-1].headers["if-range"] == NOON


async def test_a_file_that_has_changed_begins_anew(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = answer(body=b"another", ETag='"two"')
    found, body = await fetched(client, stranger, resume=HALF)
    assert (found.offset, found.size, found.validator) == (0, 7, '"two"')
    assert body == b"another"


async def test_nothing_is_left_to_go_on_with(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = answer("416 No", b"<html>", Content_Range=f"bytes */{SIZE}")
    found, body = await fetched(client, stranger, resume=Resume(SIZE, TAG))
    assert (found.offset, found.size, found.validator, body) == (SIZE, SIZE, TAG, b"")
    with pytest.raises(FetchFailed, match="shorter"):
        await fetched(client, stranger, resume=Resume(SIZE + 1, TAG))


async def test_a_download_of_nothing_yet_asks_for_all(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = answer(body=FILM)
    _, body = await fetched(client, stranger, resume=Resume(0, TAG))
    assert body == FILM
    assert "range" not in stranger.requests[0].headers


async def test_a_part_that_ends_early_is_a_pause(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = part(5000, 6000)
    async with download.opened(
        client, stranger.url(), limits=Limits(size=MIB), resume=HALF
    ) as found:
        blocks = found.blocks()
        assert await anext(blocks) == FILM[5000:6000]
        with pytest.raises(FetchInterrupted, match=f"after 6000 of {SIZE} bytes"):
            await anext(blocks)


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (part(4999, SIZE), "another part"),
        (part(5001, SIZE), "another part"),
        (part(5000, SIZE, size=str(SIZE + 1)), "another size"),
        (part(5000, SIZE, body=b"x"), "another length"),
        (part(5000, SIZE, body=FILM), "another length"),
        (part(5000, SIZE).replace(TAG.encode(), b'"two"'), "another file"),
        (part(5000, SIZE).replace(b"Content-Range", b"X"), "does not say which"),
        (part(5000, SIZE).replace(b"bytes ", b"words "), "does not say which"),
        (part(5000, SIZE, size="5"), "cannot be"),
        (answer("416 No", Content_Range="bytes */4000"), "shorter"),
        (answer("416 No"), "shorter"),
    ],
)
async def test_games_with_parts_are_lost(
    client: Client, stranger: Stranger, page: bytes, reason: str
) -> None:
    stranger.pages["/"] = page
    with pytest.raises(FetchFailed, match=reason):
        await fetched(client, stranger, resume=HALF)


async def test_a_part_of_nobody_knows_what(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = part(5000, SIZE, size="*")
    with pytest.raises(FetchFailed, match="another size"):
        await fetched(client, stranger, resume=Resume(5000, TAG))
    _, body = await fetched(client, stranger, resume=HALF)
    assert body == FILM[5000:]


async def test_a_part_that_goes_on_too_long(client: Client, stranger: Stranger) -> None:
    head = f"HTTP/1.1 206 OK\r\nContent-Range: bytes 5000-5999/{SIZE}\r\n\r\n".encode()
    stranger.pages["/"] = head + FILM
    with pytest.raises(FetchFailed, match="more bytes than it announced"):
        await fetched(client, stranger, resume=HALF)


@pytest.mark.parametrize("status", ["206 Partial Content", "416 Range Not Satisfiable"])
async def test_a_part_that_nobody_asked_for(
    client: Client, stranger: Stranger, status: str
) -> None:
    stranger.pages["/"] = answer(status, FILM, Content_Range=f"bytes 0-{SIZE - 1}/{SIZE}")
    for resume in (None, Resume(0, TAG)):
        with pytest.raises(FetchFailed) as failure:
            await fetched(client, stranger, resume=resume)
        assert failure.value.status == int(status[:3])


async def test_a_download_that_is_killed_again_and_again_is_whole_in_the_end(
    client: Client, stranger: Stranger
) -> None:
    async def unsteady(request: Request, writer: asyncio.StreamWriter) -> None:
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        whole = part(start, SIZE) if start else answer(body=FILM, ETag=TAG)
        writer.write(whole[: len(whole) - (SIZE - start) + 3000])
        await writer.drain()

    stranger.pages["/"] = unsteady
    got, resume, tries = b"", None, 0
    while len(got) < SIZE:
        tries += 1
        async with download.opened(
            client, stranger.url(), limits=Limits(size=MIB), resume=resume
        ) as found:
            assert found.offset == len(got)
            try:
                async for block in found.blocks():
                    got += block
            except FetchInterrupted:
                assert found.validator
                resume = Resume(len(got), found.validator, found.size)
    assert (got, tries) == (FILM, 4)
