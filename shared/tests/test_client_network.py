"""The network that a client is counted as."""

import pytest

from fake_email import client_network


def network(text: str) -> int:
    address = client_network.parse_address(text)
    assert address is not None
    return client_network.network_number(client_network.unmap(address))


def test_each_ipv4_address_is_a_network() -> None:
    assert network("192.0.2.1") != network("192.0.2.2")


@pytest.mark.parametrize("neighbour", ["2001:db8:0:1::2", "2001:db8:0:1:ffff:ffff:ffff:ffff"])
def test_the_addresses_of_an_ipv6_64_are_one_network(neighbour: str) -> None:
    assert network(neighbour) == network("2001:db8:0:1::1")


def test_the_next_ipv6_64_is_another_network() -> None:
    assert network("2001:db8:0:2::1") != network("2001:db8:0:1::1")


def test_an_ipv4_mapped_address_is_the_network_of_the_ipv4_address() -> None:
    assert network("::ffff:192.0.2.1") == network("192.0.2.1")


@pytest.mark.parametrize(("zoned", "plain"), [("fe80::1%eth0", "fe80::1"), ("fe80::1%2", "fe80::1")])
def test_the_zone_of_an_address_does_not_matter(zoned: str, plain: str) -> None:
    assert network(zoned) == network(plain)


def test_an_ipv6_64_never_has_the_number_of_an_ipv4_address() -> None:
    assert network("0:0:c000:201::1") != network("192.0.2.1")


@pytest.mark.parametrize("loopback", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_a_loopback_address_is_known_as_such_once_it_is_unmapped(loopback: str) -> None:
    address = client_network.parse_address(loopback)

    assert address is not None
    assert client_network.unmap(address).is_loopback


@pytest.mark.parametrize("text", ["", "localhost", "192.0.2", "192.0.2.01", "192.0.2.1/32", "2001:db8::g", "%eth0"])
def test_other_text_is_not_an_address(text: str) -> None:
    assert client_network.parse_address(text) is None
