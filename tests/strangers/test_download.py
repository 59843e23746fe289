"""Downloads of whole files, and the answers that are none."""

import pytest

from domain.errors import FetchFailed, FetchInterrupted, UrlNotAllowed
from outbound import download
from outbound.client import Client
from outbound.download import Limits
from tests.strangers.conftest import Stranger, answer, redirect
from tests.strangers.films import FILM, SIZE, TAG, fetched


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


async def test_a_url_that_is_not_allowed_is_not_asked(client: Client, victim: Stranger) -> None:
    with pytest.raises(UrlNotAllowed):
        await fetched(client, victim)
    assert victim.connections == 0
