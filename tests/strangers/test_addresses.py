"""Which addresses are those of the public internet."""

from ipaddress import ip_address, ip_network

import pytest

from domain.errors import UrlNotAllowed
from outbound.addresses import Addresses, look_up, system_resolve

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "223.255.255.255", "2606:4700::1111", "2a00:1::1"]
PRIVATE = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1"),  # noqa: S104
    *("127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:7f00:1"),
    *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::7f00:1", "100::1", "2001::1"),
    *("2001:0:4136:e378::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "3fff::1"),
    *("5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
    "ff0e::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert Addresses().allow(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_all_others_are_refused(address: str) -> None:
    assert not Addresses().allow(ip_address(address))
    with pytest.raises(UrlNotAllowed) as failure:
        Addresses().check([ip_address(address)])
    assert address not in str(failure.value)


def test_both_ends_of_each_private_network_are_refused() -> None:
    networks = [ip_network(f"{each}/{bits}") for each, bits in (("10.0.0.0", 8), ("fc00::", 7))]
    for network in networks:
        assert not Addresses().allow(network[0])
        assert not Addresses().allow(network[-1])


def test_one_bad_address_spoils_the_answer() -> None:
    good, bad = ip_address("8.8.8.8"), ip_address("10.0.0.1")
    Addresses().check([good])
    for answer in ([good, bad], [bad, good], [good, ip_address("::1")]):
        with pytest.raises(UrlNotAllowed):
            Addresses().check(answer)


def test_an_operator_can_allow_networks_besides() -> None:
    addresses = Addresses(["10.1.0.0/16", "fd00:1::/32"])
    allowed = ("10.1.2.3", "fd00:1::5", "8.8.8.8")
    refused = ("10.2.0.1", "fd00:2::5", "127.0.0.1", "::ffff:10.1.2.3")
    assert all(addresses.allow(ip_address(each)) for each in allowed)
    assert not any(addresses.allow(ip_address(each)) for each in refused)


def test_a_network_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="has host bits set"):
        Addresses(["10.0.0.1/8"])


@pytest.mark.parametrize("name", ["localhost", "sub.localhost"])
async def test_localhost_is_never_asked_of_a_name_server(name: str) -> None:
    async def resolve(host: str) -> list[str]:
        raise AssertionError(host)

    assert await look_up(name, resolve) == [ip_address("127.0.0.1"), ip_address("::1")]


async def test_each_address_of_an_answer_comes_once() -> None:
    async def resolve(host: str) -> list[str]:
        assert host == "a.example"
        return ["8.8.8.8", "1.1.1.1", "8.8.8.8"]

    assert await look_up("a.example", resolve) == [ip_address("8.8.8.8"), ip_address("1.1.1.1")]


async def test_the_system_knows_its_own_names() -> None:
    assert "127.0.0.1" in await system_resolve("localhost")
