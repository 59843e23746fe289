"""Downloads that go on where they ended, and end where they should."""

import asyncio
import gzip
import time
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from domain.errors import DomainError, FetchFailed, FetchInterrupted, LimitExceeded, UrlNotAllowed
from outbound import download
from outbound.client import Client
from outbound.download import Download, Limits
from outbound.spans import Resume
from tests.strangers.conftest import Request, Stranger, answer, redirect

MIB = 1 << 20
FILM = bytes(range(256)) * 40
SIZE = len(FILM)
TAG = '"one"'
NOON, LATER = "Sat, 21 Nov 2026 12:00:00 GMT", "Sat, 21 Nov 2026 13:00:00 GMT"
HALF = Resume(offset=5000, validator=TAG, size=SIZE)


async def fetched(
    client: Client,
    stranger: Stranger,
    *,
    limits: Limits | None = None,
    resume: Resume | None = None,
) -> tuple[Download, bytes]:
    """What is at the stranger's `/`."""
    limits = limits or Limits(size=MIB)
    async with download.opened(client, stranger.url(), limits=limits, resume=resume) as found:
        return found, b"".join([block async for block in found.blocks()])


def part(start: int, end: int, *, size: str = str(SIZE), body: bytes | None = None) -> bytes:
    """An honest answer to who asks for the bytes from `start` to before `end`, if all fits."""
    return answer(
        "206 Partial Content",
        FILM[start:end] if body is None else body,
        Content_Range=f"bytes {start}-{end - 1}/{size}",
        ETag=TAG,
    )


async def test_a_file_comes_with_its_facts(client: Client, stranger: Stranger) -> None:
    stranger.pages["/a"] = redirect("/film.mp4?x")
    stranger.pages["/film.mp4?x"] = answer(body=FILM, ETag=TAG, Content_Type="Video/MP4; a=b")
    async with download.opened(client, stranger.url("/a"), limits=Limits(size=SIZE)) as found:
        assert (found.size, found.offset, found.validator) == (SIZE, 0, TAG)
        assert (found.content_type, found.file_name) == ("video/mp4", "film.mp4")
        assert b"".join([block async for block in found.blocks()]) == FILM
    assert "range" not in stranger.requests[-1].headers


async def test_a_file_whose_size_nobody_says(client: Client, stranger: Stranger) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"".join(
        b"%x\r\n%s\r\n" % (1024, FILM[at : at + 1024]) for at in range(0, SIZE, 1024)
    )
    for page in (chunked + b"0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n" + FILM):
        stranger.pages["/"] = page
        found, body = await fetched(client, stranger)
        assert (found.size, found.offset, found.validator, body) == (None, 0, None, FILM)
        assert (found.content_type, found.file_name) == ("application/octet-stream", None)


async def test_an_empty_file(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = answer()
    found, body = await fetched(client, stranger)
    assert (found.size, body) == (0, b"")


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


@pytest.mark.parametrize("code", [201, 204, 205, 300, 304, 400, 401, 403, 404, 410, 451])
async def test_final_answers(client: Client, stranger: Stranger, code: int) -> None:
    stranger.pages["/"] = answer(f"{code} No")
    with pytest.raises(FetchFailed, match=str(code)) as failure:
        await fetched(client, stranger)
    assert failure.value.status == code


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 599])
async def test_answers_after_which_one_may_ask_again(
    client: Client, stranger: Stranger, code: int
) -> None:
    stranger.pages["/"] = answer(f"{code} Later", Retry_After="7")
    with pytest.raises(FetchInterrupted, match=str(code)) as failure:
        await fetched(client, stranger)
    assert failure.value.retry_after_s == 7
    stranger.pages["/"] = answer(f"{code} Later")
    with pytest.raises(FetchInterrupted) as failure:
        await fetched(client, stranger)
    assert failure.value.retry_after_s is None


async def test_a_file_that_is_announced_too_large_is_not_begun(
    client: Client, stranger: Stranger
) -> None:
    stranger.pages["/"] = answer(body=FILM)
    with pytest.raises(LimitExceeded) as failure:
        async with download.opened(client, stranger.url(), limits=Limits(size=SIZE - 1)):
            pytest.fail("opened")
    assert (failure.value.limit, failure.value.actual) == (SIZE - 1, SIZE)
    stranger.pages["/"] = part(5000, SIZE)
    with pytest.raises(LimitExceeded):
        await fetched(client, stranger, limits=Limits(size=SIZE - 1), resume=HALF)


async def _endless(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    block = bytes(MIB)
    while True:
        writer.write(block)
        await writer.drain()


async def test_a_body_without_end_is_cut_and_never_held(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = _endless
    limits, got = Limits(size=64 * MIB), 0

    async def read() -> None:
        nonlocal got
        async with download.opened(client, stranger.url(), limits=limits) as found:
            async for block in found.blocks():
                got += len(block)

    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded) as failure:
            await read()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert got <= limits.size < failure.value.actual
    assert peak < 16 * MIB


async def test_a_fast_server_cannot_outlast_the_total_time(
    client: Client, stranger: Stranger
) -> None:
    """Its bytes are always there when they are asked for, so nothing ever waits."""
    stranger.pages["/"] = _endless
    limits = Limits(size=1 << 40, total_s=0.1)
    async with download.opened(client, stranger.url(), limits=limits) as found:
        blocks = found.blocks()
        assert await anext(blocks)
        await asyncio.sleep(0.15)  # a slow disk
        with pytest.raises(FetchFailed, match=r"within 0\.1 seconds"):
            await anext(blocks)


async def _trickle(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _letter in range(100_000):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _silence(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
    await asyncio.Event().wait()


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.parametrize("behaviour", [_trickle, _silence])
async def test_a_trickle_is_given_up(
    client: Client, stranger: Stranger, behaviour: Behaviour
) -> None:
    stranger.pages["/"] = behaviour
    with pytest.raises(FetchInterrupted, match="in time"):
        await fetched(client, stranger, limits=Limits(size=MIB, stall_s=0.2))


@pytest.mark.parametrize("behaviour", [_trickle, _silence])
async def test_the_total_time_is_final(
    client: Client, stranger: Stranger, behaviour: Behaviour
) -> None:
    stranger.pages["/"] = behaviour
    with pytest.raises(FetchFailed, match=r"within 0\.2 seconds"):
        await fetched(client, stranger, limits=Limits(size=MIB, total_s=0.2))


async def test_who_sends_enough_may_be_slow(client: Client, stranger: Stranger) -> None:
    """Each 1,000 bytes earn the whole patience again, though all of it takes longer."""

    async def slow(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        for at in range(0, 10_000, 500):
            writer.write(FILM[at : at + 500])
            await writer.drain()
            await asyncio.sleep(0.05)

    stranger.pages["/"] = slow
    limits = Limits(size=MIB, stall_s=0.5, stall_bytes=1000)
    _, body = await fetched(client, stranger, limits=limits)
    assert body == FILM[:10_000]


async def test_a_reader_who_takes_time_is_not_a_stall(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = answer(body=FILM * 100)
    limits, got = Limits(size=MIB, stall_s=0.2, stall_bytes=MIB), 0
    async with download.opened(client, stranger.url(), limits=limits) as found:
        async for block in found.blocks():
            got += len(block)
            await asyncio.sleep(0.05)  # a disk, as slow as this
    assert got == 100 * SIZE


async def test_a_download_is_no_faster_than_allowed(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = answer(body=FILM)
    begun = time.monotonic()
    _, body = await fetched(client, stranger, limits=Limits(size=MIB, bytes_per_s=2 * SIZE))
    assert (body, time.monotonic() - begun >= 0.5) == (FILM, True)


@pytest.mark.parametrize(
    "page",
    [
        answer(body=FILM, Content_Length=str(SIZE + 1)),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ],
)
async def test_a_body_that_breaks_off(client: Client, stranger: Stranger, page: bytes) -> None:
    stranger.pages["/"] = page
    with pytest.raises(FetchInterrupted):
        await fetched(client, stranger)


async def test_a_lost_connection(client: Client, stranger: Stranger) -> None:
    async def reset(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body=FILM)[:5000])
        await writer.drain()
        writer.transport.abort()

    stranger.pages["/"] = reset
    with pytest.raises(FetchInterrupted):
        await fetched(client, stranger)


async def test_more_than_was_announced_is_not_taken(client: Client, stranger: Stranger) -> None:
    heard = asyncio.Event()

    async def adds(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body=FILM[:1000]))
        await heard.wait()
        writer.write(FILM[1000:])

    stranger.pages["/"] = answer(body=FILM, Content_Length="1000")
    with pytest.raises(FetchFailed, match="not HTTP"):
        await fetched(client, stranger)
    stranger.pages["/"] = adds
    async with download.opened(client, stranger.url(), limits=Limits(size=MIB)) as found:
        blocks = found.blocks()
        assert await anext(blocks) == FILM[:1000]
        heard.set()
        assert [block async for block in blocks] == []


async def test_rubbish_in_the_middle(client: Client, stranger: Stranger) -> None:
    """It ends like silence, by the limit for stalls: what cannot be parsed brings no bytes."""
    heard = asyncio.Event()

    async def rubbish(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await heard.wait()
        writer.write(b"rubbish\r\n")

    stranger.pages["/"] = rubbish
    limits = Limits(size=MIB, stall_s=0.2)
    async with download.opened(client, stranger.url(), limits=limits) as found:
        blocks = found.blocks()
        assert await anext(blocks) == b"hello"
        heard.set()
        with pytest.raises(FetchInterrupted, match="in time"):
            await anext(blocks)


@pytest.mark.parametrize(
    "page",
    [
        answer(body=b"", Transfer_Encoding="chunked", Content_Length="3") + b"zz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: a\nY\r\n\r\nabc",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"+PONG\r\n",
    ],
)
async def test_what_is_not_http(client: Client, stranger: Stranger, page: bytes) -> None:
    stranger.pages["/"] = page
    with pytest.raises((FetchFailed, FetchInterrupted)):
        await fetched(client, stranger)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Encoding": "gzip"},
        {"Content_Encoding": "br"},
        {"Content_Encoding": "identity, gzip"},
        {"Transfer_Encoding": "gzip"},
        {"Transfer_Encoding": "gzip, chunked"},
    ],
)
async def test_a_packed_file_is_refused_unopened(
    client: Client, stranger: Stranger, headers: dict[str, str]
) -> None:
    stranger.pages["/"] = answer(body=gzip.compress(bytes(10 * MIB)), **headers)
    with pytest.raises(DomainError, match=r"packed|not HTTP") as failure:
        await fetched(client, stranger)
    assert isinstance(failure.value, FetchFailed)
    assert stranger.requests[0].headers["accept-encoding"] == "identity"


async def test_a_packed_file_that_says_nothing_stays_packed(
    client: Client, stranger: Stranger
) -> None:
    packed = gzip.compress(bytes(10 * MIB))
    stranger.pages["/"] = answer(body=packed, Content_Type="application/gzip")
    _, body = await fetched(client, stranger)
    assert body == packed


async def test_a_url_that_is_not_allowed_is_not_asked(client: Client, victim: Stranger) -> None:
    with pytest.raises(UrlNotAllowed):
        await fetched(client, victim)
    assert victim.connections == 0


async def test_a_reader_may_leave_early(client: Client, stranger: Stranger) -> None:
    left = asyncio.Event()

    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        try:
            await _endless(request, writer)
        finally:
            left.set()

    stranger.pages["/"] = endless
    async with download.opened(client, stranger.url(), limits=Limits(size=MIB)) as found:
        blocks: AsyncGenerator[bytes] = found.blocks()
        assert await anext(blocks)
        await blocks.aclose()
    async with asyncio.timeout(5):
        await left.wait()  # the connection is closed


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
