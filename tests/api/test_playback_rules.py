"""Whose pages and which networks may play an account's videos."""

from pathlib import Path
from typing import Any

import pytest

from resolvers.context import Services
from tests.support import factories, playing
from tests.support.api import Api, OperationFailed
from tests.support.playing import Playable, answers, everywhere, place_of, said

SET = """
mutation ($input: PlaybackRulesInput!) {
  setPlaybackRules(input: $input) {
    account { playbackRules { referrers allowEmptyReferrer networks } }
    userErrors { code path }
  }
}
"""
RULES = "{ viewer { playbackRules { referrers allowEmptyReferrer networks } } }"
NONE = {"referrers": [], "allowEmptyReferrer": True, "networks": []}

PAGE, ADDRESS = "REFERRER_NOT_ALLOWED", "ADDRESS_NOT_ALLOWED"


@pytest.fixture
async def video(services: Services, owner: factories.Owner, tmp_path: Path) -> Playable:
    return await playing.playable(services, owner, tmp_path)


async def rules(api: Api, **input: Any) -> dict[str, Any]:
    """Sets them and returns what they are now."""
    done = (await api.run(SET, input=input))["setPlaybackRules"]
    assert done["userErrors"] == []
    assert (await api.run(RULES))["viewer"]["playbackRules"] == done["account"]["playbackRules"]
    return done["account"]["playbackRules"]


async def until_refused(api: Api, place: str, headers: dict[str, str], code: str) -> None:
    await playing.until_said(api, f"{place}master.m3u8", code, headers=headers)


async def test_an_account_has_no_rules_until_it_sets_some(api: Api, video: Playable) -> None:
    assert (await api.run(RULES))["viewer"]["playbackRules"] == NONE
    place = await place_of(api, video)
    anywhere = {"referer": "https://anywhere.example/", "x-forwarded-for": "198.51.100.1"}
    assert await answers(api.http, place, video, anywhere) == everywhere("OK")


async def test_what_is_left_out_stays(api: Api, stranger: Api) -> None:
    given = {
        "referrers": [
            " Shop.Example:8443 ",
            "*.bücher.example",
            "shop.example",
            "[2001:DB8::1]:80",
        ],
        "networks": ["203.0.113.0/24", "2001:DB8:0::/32", "198.51.100.7", "::ffff:10.0.0.0/104"],
    }
    hosts = ["shop.example", "*.xn--bcher-kva.example", "2001:db8::1"]
    networks = ["203.0.113.0/24", "2001:db8::/32", "198.51.100.7/32", "10.0.0.0/8"]
    both = {"referrers": hosts, "allowEmptyReferrer": True, "networks": networks}
    assert await rules(api, **given) == both
    assert await rules(api, allowEmptyReferrer=False) == both | {"allowEmptyReferrer": False}
    assert await rules(api, networks=[], referrers=None) == {
        "referrers": hosts,
        "allowEmptyReferrer": False,
        "networks": [],
    }
    assert (await stranger.run(RULES))["viewer"]["playbackRules"] == NONE


@pytest.mark.parametrize(
    "referer",
    [
        "https://shop.example/watch?v=1",
        "http://SHOP.example:8080/",
        "https://shop.example",
        "https://a.media.example/",
        "https://a.b.media.example/x",
        "https://xn--bcher-kva.example/",
    ],
)
async def test_pages_that_may_play(api: Api, video: Playable, referer: str) -> None:
    await rules(api, referrers=["shop.example", "*.media.example", "bücher.example"])
    place = await place_of(api, video)
    assert await answers(api.http, place, video, {"referer": referer}) == everywhere("OK")


@pytest.mark.parametrize(
    "referer",
    [
        "https://other.example/",
        "https://media.example/",  # the family is what is below it
        "https://a.shop.example/",
        "https://shop.example.evil.example/",
        "https://evil.example/shop.example",
        "https://shop.example@evil.example/",
        "https://evilshop.example/",
        "https://evilmedia.example/",
        "shop.example",
        "about:blank",
        "android-app://shop.example.app",
        "https://[shop.example/",
        "https://",
    ],
)
async def test_pages_that_may_not(api: Api, video: Playable, referer: str) -> None:
    await rules(api, referrers=["shop.example", "*.media.example"])
    place = await place_of(api, video)
    assert await answers(api.http, place, video, {"referer": referer}) == everywhere(PAGE)


async def test_without_a_referrer_the_origin_counts_and_without_both_the_switch(
    api: Api, video: Playable
) -> None:
    await rules(api, referrers=["shop.example"])
    place = await place_of(api, video)
    theirs, ours = {"origin": "https://evil.example"}, {"origin": "https://shop.example"}
    assert await answers(api.http, place, video, theirs) == everywhere(PAGE)
    assert await answers(api.http, place, video, ours) == everywhere("OK")
    assert await answers(api.http, place, video, {"origin": "null"}) == everywhere("OK")
    assert await answers(api.http, place, video) == everywhere("OK")
    await rules(api, allowEmptyReferrer=False)
    await until_refused(api, place, {}, PAGE)
    assert await answers(api.http, place, video) == everywhere(PAGE)
    assert await answers(api.http, place, video, {"origin": "null"}) == everywhere(PAGE)
    assert await answers(api.http, place, video, {"referer": ""}) == everywhere(PAGE)
    assert await answers(api.http, place, video, ours) == everywhere("OK")
    await rules(api, referrers=[])

    async def plays() -> bool:
        return await answers(api.http, place, video, theirs) == everywhere("OK")

    await playing.until(plays)
    assert await answers(api.http, place, video) == everywhere(PAGE)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("203.0.113.255", "OK"),
        ("203.0.112.255", ADDRESS),
        ("::ffff:203.0.113.1", "OK"),
        ("2001:db8:ffff::1", "OK"),
        ("2001:db9::1", ADDRESS),
        ("fe80::1%eth0", ADDRESS),
        ("unknown", ADDRESS),
        ("127.0.0.1", ADDRESS),
    ],
)
async def test_networks_that_may_play(api: Api, video: Playable, address: str, code: str) -> None:
    await rules(api, networks=["203.0.113.0/24", "2001:db8::/32"])
    place = await place_of(api, video)
    headers = {"x-forwarded-for": address}
    assert await answers(api.http, place, video, headers) == everywhere(code)


async def test_rules_count_for_those_who_are_playing_already(
    api: Api, stranger: Api, video: Playable
) -> None:
    place = await place_of(api, video)
    assert await answers(api.http, place, video) == everywhere("OK")
    await rules(stranger, networks=["203.0.113.0/24"])
    assert await answers(api.http, place, video) == everywhere("OK")
    await rules(api, networks=["203.0.113.0/24"])
    await until_refused(api, place, {}, ADDRESS)
    assert await answers(api.http, place, video) == everywhere(ADDRESS)
    answer = await api.http.get(f"{place}master.m3u8")
    assert (answer.status_code, said(answer)) == (403, ADDRESS)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("input", "code", "path"),
    [
        ({"referrers": ["a.example", ""]}, "INVALID_ARGUMENT", ["referrers", "1"]),
        ({"referrers": ["*"]}, "INVALID_ARGUMENT", ["referrers", "0"]),
        ({"referrers": ["*.*.example"]}, "INVALID_ARGUMENT", ["referrers", "0"]),
        ({"referrers": ["a.*.example"]}, "INVALID_ARGUMENT", ["referrers", "0"]),
        ({"referrers": ["*.10.0.0.1"]}, "INVALID_ARGUMENT", ["referrers", "0"]),
        ({"referrers": ["https://a.example/"]}, "INVALID_ARGUMENT", ["referrers", "0"]),
        ({"referrers": ["a.example/x"]}, "INVALID_ARGUMENT", ["referrers", "0"]),
        ({"referrers": ["a\0.example"]}, "INVALID_ARGUMENT", ["referrers", "0"]),
        ({"referrers": ["x" * 254 + ".example"]}, "INVALID_ARGUMENT", ["referrers", "0"]),
        ({"referrers": ["a.example"] * 101}, "LIMIT_EXCEEDED", ["referrers"]),
        ({"networks": ["10.0.0.0/33"]}, "INVALID_ARGUMENT", ["networks", "0"]),
        ({"networks": ["10.1.0.0/8"]}, "INVALID_ARGUMENT", ["networks", "0"]),
        ({"networks": ["10.0.0.0/8", "all"]}, "INVALID_ARGUMENT", ["networks", "1"]),
        ({"networks": ["fe80::1%eth0"]}, "INVALID_ARGUMENT", ["networks", "0"]),
        ({"networks": ["::/0"] * 101}, "LIMIT_EXCEEDED", ["networks"]),
    ],
)
async def test_what_no_rule_can_be(
    api: Api, input: dict[str, Any], code: str, path: list[str]
) -> None:
    done = (await api.run(SET, input={"allowEmptyReferrer": False, **input}))["setPlaybackRules"]
    assert done == {"account": None, "userErrors": [{"code": code, "path": path}]}
    assert (await api.run(RULES))["viewer"]["playbackRules"] == NONE


async def test_nobody_without_a_key_sets_rules(anonymous: Api) -> None:
    with pytest.raises(OperationFailed) as failure:
        await anonymous.run(SET, input={"networks": []})
    assert failure.value.codes == ["UNAUTHENTICATED"]
