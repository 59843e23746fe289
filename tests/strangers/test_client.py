"""Nobody can lead a request to where it must not go."""

import socket
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from domain.errors import DomainError, FetchFailed, FetchInterrupted, UrlNotAllowed
from outbound.client import Answer, Client
from tests.strangers.asking import lost, status
from tests.strangers.conftest import ANY_PORT, NAME, Listen, Names, Stranger, Tls, answer, redirect

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
