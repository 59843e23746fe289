"""Nobody can lead a request to where it must not go."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from domain.errors import DomainError, FetchFailed, FetchInterrupted, UrlNotAllowed
from outbound.addresses import Addresses
from outbound.client import Answer, Client, failures
from tests.strangers.conftest import (
    ANY_PORT,
    LAN,
    NAME,
    Listen,
    Names,
    Request,
    Stranger,
    Tls,
    answer,
    redirect,
)

SPELLINGS = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7F000001", "017700000001", "0177.0.0.1"),
    *(
        "127.0.0.1.",
        "127。0。0。1",
        "\uff11\uff12\uff17\uff0e\uff10\uff0e\uff10\uff0e\uff11",
        "①②⑦.⓪.⓪.①",
    ),
    *("0.0.0.0", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),  # noqa: S104
    *("[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
    *("localhost", "LOCALHOST", "localhost.", "x.localhost"),
    *("169.254.169.254", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "100.64.0.1"),
    *("good@127.0.0.1", "good:word@127.0.0.1", "127.0.0.1\\@good.example", "127%2e0.0.1"),
]


def lost(
    names: Names,
    *,
    tls: ssl.SSLContext | None = None,
    connect_timeout_s: float = 10,
    answer_timeout_s: float = 10,
) -> Client:
    """A client to which nothing is allowed but `LAN`."""
    return Client(
        addresses=Addresses(LAN),
        ports=ANY_PORT,
        resolve=names.resolve,
        tls=tls,
        connect_timeout_s=connect_timeout_s,
        answer_timeout_s=answer_timeout_s,
    )


async def status(client: Client, url: str) -> int:
    async with client.opened(url) as response:
        return response.status


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_this_machine_gets_a_packet(listen: Listen, host: str) -> None:
    victim = await listen("127.0.0.1")
    six = await listen("::1", port=victim.port) if socket.has_dualstack_ipv6() else victim
    async with Client(ports=ANY_PORT) as client:
        with pytest.raises(UrlNotAllowed):
            await status(client, f"http://{host}:{victim.port}/")
    assert (victim.connections, six.connections) == (0, 0)


async def test_a_stranger_is_asked_for_just_what_the_url_says(
    client: Client, stranger: Stranger
) -> None:
    stranger.pages["/%E7%89%87/a%20b?q=1"] = answer(body=b"film", Content_Type="video/mp4")
    async with client.opened(stranger.url("/片/a%20b?q=1#part", name="VIDEO.Example.")) as response:
        assert (response.status, response.headers["content-type"]) == (200, "video/mp4")
        assert await response.body.read() == b"film"
    (request,) = stranger.requests
    assert request.line == "GET /%E7%89%87/a%20b?q=1 HTTP/1.1"
    assert request.headers == {
        "host": f"video.example:{stranger.port}",
        "user-agent": "Reelgraph",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
    }


async def test_nothing_of_the_environment_goes_along(
    stranger: Stranger, victim: Stranger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", victim.url())
    monkeypatch.setenv("http_proxy", victim.url())
    stranger.pages["/"] = answer(Set_Cookie="a=b")
    async with lost(Names(["127.0.0.2"])) as client:
        assert await status(client, stranger.url(name=NAME)) == 200
        assert await status(client, stranger.url(name=NAME)) == 200
    seen = {name for request in stranger.requests for name in request.headers}
    assert seen.isdisjoint({"cookie", "authorization", "referer"})
    assert (stranger.connections, victim.connections) == (2, 0)


async def test_a_body_is_sent_once_and_its_redirect_is_not_followed(
    client: Client, stranger: Stranger
) -> None:
    stranger.pages["/hook"] = answer("204 No Content")
    stranger.pages["/moved"] = redirect("/hook", "307 Temporary Redirect")

    def sent(path: str) -> AbstractAsyncContextManager[Answer]:
        return client.opened(
            stranger.url(path), method="POST", headers={"X-Event": "one"}, body=b"{}", hops=0
        )

    async with sent("/hook") as response:
        assert response.status == 204
    with pytest.raises(FetchFailed, match="more than 0 times"):
        async with sent("/moved"):
            pytest.fail("followed")
    assert [request.line for request in stranger.requests] == [
        "POST /hook HTTP/1.1",
        "POST /moved HTTP/1.1",
    ]
    assert (stranger.requests[0].body, stranger.requests[0].headers["x-event"]) == (b"{}", "one")


async def test_a_name_that_moves_to_this_machine_is_followed_by_nobody(
    stranger: Stranger, victim: Stranger
) -> None:
    stranger.pages["/"] = answer()
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with lost(names) as client:
        assert await status(client, stranger.url(name=NAME)) == 200
        assert names.asked == [NAME]  # only once: what was checked is what was connected to
        with pytest.raises(UrlNotAllowed):
            await status(client, stranger.url(name=NAME))
    assert (stranger.connections, victim.connections) == (1, 0)


async def test_a_redirect_to_a_name_that_has_moved_is_checked_again(
    stranger: Stranger, victim: Stranger
) -> None:
    stranger.pages["/"] = redirect("/again")
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with lost(names) as client:
        with pytest.raises(UrlNotAllowed):
            await status(client, stranger.url(name=NAME))
    assert (names.asked, stranger.connections, victim.connections) == ([NAME, NAME], 1, 0)


@pytest.mark.parametrize(
    "mixed", [["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "::1"]]
)
async def test_an_answer_with_one_bad_address_is_refused_as_a_whole(
    stranger: Stranger, victim: Stranger, mixed: list[str]
) -> None:
    async with lost(Names(mixed)) as client:
        with pytest.raises(UrlNotAllowed):
            await status(client, stranger.url(name=NAME))
    assert (stranger.connections, victim.connections) == (0, 0)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (socket.EAI_NONAME, FetchFailed),
        (socket.EAI_NODATA, FetchFailed),
        (socket.EAI_AGAIN, FetchInterrupted),
    ],
)
async def test_a_name_without_addresses(code: int, kind: type[DomainError]) -> None:
    async def resolve(host: str) -> list[str]:
        raise socket.gaierror(code, host)

    async with Client(resolve=resolve) as client:
        with pytest.raises(kind):
            await status(client, "http://nowhere.example/")


async def test_an_empty_answer_of_the_name_server() -> None:
    async with Client(resolve=Names([]).resolve) as client:
        with pytest.raises(FetchFailed, match="no server of this name"):
            await status(client, "http://nowhere.example/")


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


async def test_a_safe_connection_is_with_the_name_that_was_asked_for(
    listen: Listen, tls: Tls
) -> None:
    safe = await listen(tls=tls.server)
    safe.pages["/"] = answer()
    names = Names(["127.0.0.2"])
    async with lost(names, tls=tls.client) as client:
        assert await status(client, safe.url(name=NAME)) == 200
        assert safe.names == [NAME]
        assert safe.requests[0].headers["host"] == f"{NAME}:{safe.port}"
        with pytest.raises(FetchFailed, match="safe connection"):
            await status(client, safe.url(name="other.example"))
    async with lost(names) as client:
        with pytest.raises(FetchFailed, match="safe connection"):
            await status(client, safe.url(name=NAME))
    assert len(safe.requests) == 1


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


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Big: ", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\n", b"X-Many: y\r\n" * 6000),
        (b"HTTP/1.1 200 ", b"O" * 65536),
        (b"", b"rubbish" * 9000),
    ],
)
async def test_a_header_without_end_is_not_read(
    client: Client, stranger: Stranger, begin: bytes, more: bytes
) -> None:
    sent = 0

    async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(begin)
        while sent < 100 << 20:
            writer.write(more)
            await writer.drain()
            sent += len(more)

    stranger.pages["/"] = endless
    with pytest.raises(FetchFailed, match="header too large"):
        await status(client, stranger.url())
    assert sent < 8 << 20  # what fits into the buffers of two sockets


async def _silence(_: Request, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _promises(_: Request, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await writer.drain()
        await asyncio.sleep(0)


async def _hesitation(_: Request, writer: asyncio.StreamWriter) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 8000:
        writer.write(bytes([letter]))
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("behaviour", [_silence, _promises, _hesitation])
async def test_an_answer_that_does_not_come(
    stranger: Stranger, behaviour: Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
) -> None:
    stranger.pages["/"] = behaviour
    async with lost(Names([]), answer_timeout_s=0.3) as client:
        with pytest.raises(FetchInterrupted, match="in time"):
            await status(client, stranger.url())


async def test_a_name_server_that_does_not_answer() -> None:
    async def resolve(_: str) -> list[str]:
        return await asyncio.Future[list[str]]()

    async with Client(resolve=resolve, connect_timeout_s=0.1) as client:
        with pytest.raises(FetchInterrupted, match="in time"):
            await status(client, "http://slow.example/")


async def test_a_server_that_never_says_hello() -> None:
    """It takes the connection and leaves TLS unanswered."""
    mute = socket.create_server(("127.0.0.2", 0))
    async with lost(Names([]), connect_timeout_s=0.1) as client:
        with pytest.raises(FetchInterrupted, match="in time"):
            await status(client, f"https://127.0.0.2:{mute.getsockname()[1]}/")
    mute.close()


async def test_a_server_that_refuses_or_hangs_up(client: Client, stranger: Stranger) -> None:
    with socket.create_server(("127.0.0.2", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchInterrupted, match="lost or refused"):
        await status(client, f"http://127.0.0.2:{port}/")
    stranger.pages["/"] = b""
    with pytest.raises(FetchInterrupted, match="lost or refused"):
        await status(client, stranger.url())


async def test_what_the_reader_does_wrong_is_its_own_matter(
    client: Client, stranger: Stranger
) -> None:
    stranger.pages["/"] = answer()
    with pytest.raises(TimeoutError):
        async with client.opened(stranger.url()):
            raise TimeoutError
    with pytest.raises(FetchInterrupted), failures():
        raise TimeoutError
