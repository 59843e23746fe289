"""Redirects are followed a little way, and checked like any URL."""

import pytest

from domain.errors import FetchFailed, UrlNotAllowed
from outbound.addresses import Addresses
from outbound.client import Client
from tests.strangers.asking import lost, status
from tests.strangers.conftest import LAN, NAME, Listen, Names, Stranger, Tls, answer, redirect


async def test_a_redirect_to_a_name_that_has_moved_is_checked_again(
    stranger: Stranger, victim: Stranger
) -> None:
    stranger.pages["/"] = redirect("/again")
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with lost(names) as client:
        with pytest.raises(UrlNotAllowed):
            await status(client, stranger.url(name=NAME))
    assert (names.asked, stranger.connections, victim.connections) == ([NAME, NAME], 1, 0)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_three_redirects_are_followed(client: Client, stranger: Stranger, code: int) -> None:
    stranger.pages["/a/0"] = redirect("1?x=y", f"{code} Found")
    stranger.pages["/a/1?x=y"] = redirect(f"//{NAME}:{stranger.port}/2", f"{code} Found")
    stranger.pages["/2"] = redirect(stranger.url("/3#end"), f"{code} Found")
    stranger.pages["/3"] = answer(body=b"film")
    async with client.opened(stranger.url("/a/0"), headers={"Range": "bytes=1-"}) as response:
        assert response.link.url == stranger.url("/3")
        assert await response.body.read() == b"film"
    assert [request.headers["range"] for request in stranger.requests] == ["bytes=1-"] * 4


async def test_a_fourth_redirect_is_not_followed(client: Client, stranger: Stranger) -> None:
    for number in range(20):
        stranger.pages[f"/{number}"] = redirect(f"/{number + 1}")
    with pytest.raises(FetchFailed, match="more than 3 times"):
        await status(client, stranger.url("/0"))
    assert stranger.connections == 4


async def test_a_circle_is_left(client: Client, stranger: Stranger) -> None:
    stranger.pages["/a"] = redirect("/b")
    stranger.pages["/b"] = redirect("/a#again")
    with pytest.raises(FetchFailed, match="circle"):
        await status(client, stranger.url("/a"))
    assert stranger.connections == 2


@pytest.mark.parametrize(
    "location",
    [
        *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/"),
        *("http://0x7f.1:{port}/", "//127.0.0.1:{port}/", "http://me:you@127.0.0.1:{port}/"),
        *("file:///etc/passwd", "gopher://127.0.0.2:{port}/", "ftp://127.0.0.2:{port}/"),
        *("javascript:alert(1)", "http://[", "http://a\\b/", "/a b"),
    ],
)
async def test_a_redirect_to_where_we_do_not_go(
    client: Client, stranger: Stranger, victim: Stranger, location: str
) -> None:
    stranger.pages["/"] = redirect(location.format(port=stranger.port))
    with pytest.raises(UrlNotAllowed):
        await status(client, stranger.url())
    assert (stranger.connections, victim.connections) == (1, 0)


async def test_a_redirect_to_another_port_is_checked(listen: Listen) -> None:
    first, second = await listen(), await listen()
    first.pages["/"] = redirect(second.url())
    async with Client(addresses=Addresses(LAN), ports={first.port}) as client:
        with pytest.raises(UrlNotAllowed, match=f"Port {second.port}"):
            await status(client, first.url())
    assert second.connections == 0


async def test_a_redirect_may_be_longer_than_a_callers_url(
    client: Client, stranger: Stranger
) -> None:
    path = f"/?signature={'x' * 2000}"
    stranger.pages["/"] = redirect(path)
    stranger.pages[path] = answer()
    assert await status(client, stranger.url()) == 200


async def test_a_redirect_without_a_place_is_an_answer(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = answer("302 Found")
    assert await status(client, stranger.url()) == 302


async def test_a_redirect_from_https_to_http_is_refused(
    listen: Listen, stranger: Stranger, tls: Tls
) -> None:
    safe = await listen(tls=tls.server)
    safe.pages["/"] = redirect(stranger.url())
    safe.pages["/on"] = redirect("/")
    async with lost(Names(["127.0.0.2"]), tls=tls.client) as client:
        for path in ("/", "/on"):
            with pytest.raises(UrlNotAllowed, match="from https to http"):
                await status(client, safe.url(path, name=NAME))
    assert stranger.connections == 0
