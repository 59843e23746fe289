"""URLs by their form: what they lead to is seen as a resolver would see it."""

from ipaddress import ip_address

import pytest

from domain import links
from domain.errors import LimitExceeded, UrlNotAllowed
from domain.links import Link


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://a.example", "http://a.example/"),
        ("HTTP://A.Example.:80/x", "http://a.example/x"),
        ("https://a.example:443", "https://a.example/"),
        ("https://a.example:80/", "https://a.example:80/"),
        ("http://a.example:8080?q", "http://a.example:8080/?q"),
        ("http://a.example:/", "http://a.example/"),
        ("http://a.example/#@b.example", "http://a.example/"),
        ("http://a.example/x@y:z?u=http://b@c", "http://a.example/x@y:z?u=http://b@c"),
        ("http://a.example/片 名".replace(" ", "%20"), "http://a.example/%E7%89%87%20%E5%90%8D"),
        ('http://a.example/"<>|^`{}', "http://a.example/%22%3C%3E%7C%5E%60%7B%7D"),
        ("http://a.example/a%2Fb;c=[1]?d='e'", "http://a.example/a%2Fb;c=[1]?d='e'"),
        ("http://a_b.example/", "http://a_b.example/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://faß.example/", "http://xn--fa-hia.example/"),
        ("http://例え。テスト/", "http://xn--r8jz45g.xn--zckzah/"),
        ("http://xn--r8jz45g.example/", "http://xn--r8jz45g.example/"),
        ("http://a\u00adb\u200b.example/", "http://ab.example/"),
        ("http://[2606:4700:0:0::1111]:8443/", "http://[2606:4700::1111]:8443/"),
        ("http://localhost./", "http://localhost/"),
    ],
)
def test_a_url_has_one_spelling(written: str, url: str) -> None:
    link = links.check(written)
    assert link.url == url
    assert links.check(link.url) == link


def test_the_parts_of_a_link() -> None:
    assert links.check("https://A.example:8443/b?c#d") == Link(
        scheme="https", host="a.example", port=8443, target="/b?c", address=None
    )
    assert links.check("http://[::1]") == Link("http", "::1", 80, "/", ip_address("::1"))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("10.65535", "10.0.255.255"),
        ("2130706433", "127.0.0.1"),
        ("4294967295", "255.255.255.255"),
        ("0x7f.1", "127.0.0.1"),
        ("0X7F.0x0.0x0.0x1", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x", "0.0.0.0"),  # noqa: S104
        ("0", "0.0.0.0"),  # noqa: S104
        ("017700000001", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("010.010.010.010", "8.8.8.8"),
        ("127。0。0。1", "127.0.0.1"),
        ("127\uff0e0\uff0e0\uff611", "127.0.0.1"),
        ("\uff11\uff12\uff17.1", "127.0.0.1"),
        ("①②⑦.0.0.1", "127.0.0.1"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
        ("[::FFFF:7F00:0001]", "::ffff:7f00:1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
    ],
)
def test_an_address_is_one_however_it_is_written(host: str, address: str) -> None:
    link = links.check(f"http://{host}/")
    assert link.address == ip_address(address)
    assert ip_address(link.host) == ip_address(address)


@pytest.mark.parametrize(
    "url",
    [
        *("", "a.example", "//a.example/", "/etc/passwd", "http:", "http:/a", "http:///a"),
        *("file:///etc/passwd", "ftp://a.example/", "gopher://a.example/", "data:,x"),
        *("httpx://a.example/", "javascript:alert(1)", "http:a.example", "http://?a", "http://#a"),
        *("http://a@b.example/", "http://a:b@c.example/", "http://@a.example/", "http://a%40b/"),
        *("http://a.example\\@b.example/", "http:\\\\a.example/", "http://a.example/b\\c"),
        *("http://a.example/\r\nHost: b", "http://a.example/\n", "http://a.example/\0"),
        *(" http://a.example/", "http://a.example/ ", "http://a.example/a b", "ht\ttp://a.example"),
        *("http://a.example/\u00a0", "http://a.example/\u2028", "http://a.example/\u3000"),
        *("http://a.example/\x7f", "http://a.example/\x85", "http://a.example/\ud800"),
        *("http://a.example:0/", "http://a.example:22/", "http://a.example:25/", "http://a:6379/"),
        *("http://a.example:65616/", "http://a.example:99999/", "http://a.example:-1/"),
        *("http://a.example:+80/", "http://a.example:8\uff10/", "http://a.example:80:80/"),
        *("http://:80/", f"http://{'a' * 64}/"),
        *("http://a..b/", "http://.a/", "http://a.b../", "http://-a.example/", "http://a-.example/"),
        *("http://a+b.example/", "http://a%2eb/", "http://a*b/", "http://a,b/"),
        *(f"http://{'a.' * 127}aaa/", "http://xn--a\u0300.example/", "http://\u2100.example/"),
        *("http://256.1.1.1/", "http://1.1.1.256/", "http://1.2.3.4.5/", "http://08/", "http://1..2/"),
        *("http://4294967296/", "http://1.16777216/", "http://0x100000000/", "http://a.0x7f/"),
        *("http://1_0.1/", "http://0o7.1/", "http://a.1/", "http://0xg.1/", "http://+1.1/"),
        *("http://[::1/", "http://::1/", "http://[::1]x/", "http://x[::1]/", "http://[]/"),
        *("http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[v1.x]/", "http://[1.2.3.4]/"),
    ],
)  # fmt: skip
def test_other_urls_are_not_allowed(url: str) -> None:
    with pytest.raises(UrlNotAllowed):
        links.check(url)


@pytest.mark.parametrize("port", [80, 443, 8080, 8443])
def test_the_usual_ports_are_allowed(port: int) -> None:
    assert links.check(f"http://a.example:{port}/").port == port


def test_an_operator_can_allow_other_ports() -> None:
    assert links.check("http://a.example:9000/", ports={9000}).port == 9000
    with pytest.raises(UrlNotAllowed, match=r"^Port 80 is not one of 9000, 9001\.$"):
        links.check("http://a.example/", ports={9001, 9000})


def test_a_url_has_at_most_1000_characters() -> None:
    url = f"http://a.example/{'é' * 983}"
    assert links.check(url).target == "/" + "%C3%A9" * 983
    with pytest.raises(LimitExceeded) as failure:
        links.check(f"{url}x")
    assert (failure.value.limit, failure.value.actual) == (1000, 1001)
    assert links.check(f"{url}x", most=1001).host == "a.example"


def test_a_wrong_character_is_named() -> None:
    with pytest.raises(UrlNotAllowed, match=r"Character 18 of the URL, U\+000D, is not allowed"):
        links.check("http://a.example/\r\n")


def test_a_user_name_is_called_by_its_name() -> None:
    with pytest.raises(UrlNotAllowed, match="must not contain a user name or a password"):
        links.check("http://good@127.0.0.1/")
