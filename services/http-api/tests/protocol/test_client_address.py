"""Whose call it is: the peer, or whom a trusted proxy names."""

import pytest
from litestar.types import HTTPScope

from http_api.protocol.client_address import ClientAddresses

PROXY = "127.0.0.1"
PEER = "192.0.2.1"
CLIENTS = ClientAddresses(["127.0.0.0/8", "::1", "10.0.0.1"])


def scope(peer: str, *forwarded: str) -> HTTPScope:
    """The parts of a call from which the client address is read."""
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"type": "http", "client": (peer, 1), "headers": [(b"host", b"x"), *headers]}  # type: ignore[typeddict-item]  # the rest says nothing of it


def address(peer: str, *forwarded: str) -> str:
    return CLIENTS.of(scope(peer, *forwarded)).address


def network(text: str) -> int:
    return CLIENTS.of(scope(text)).network


def test_the_client_is_the_peer() -> None:
    assert address(PEER) == PEER


def test_a_peer_that_is_not_trusted_cannot_choose_its_address() -> None:
    assert address(PEER, "198.51.100.7") == PEER


@pytest.mark.parametrize("proxy", ["127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "::ffff:127.0.0.1"])
def test_a_trusted_proxy_names_the_client(proxy: str) -> None:
    assert address(proxy, "198.51.100.7") == "198.51.100.7"


def test_a_trusted_proxy_that_names_nobody_is_the_client() -> None:
    assert address(PROXY) == PROXY


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9,198.51.100.7, 10.0.0.1"], "198.51.100.7"),
        (["203.0.113.9, 198.51.100.7", "10.0.0.1,127.0.0.1"], "198.51.100.7"),
        (["10.0.0.1"], "10.0.0.1"),
        (["127.0.0.2, 10.0.0.1"], "127.0.0.2"),
    ],
)
def test_of_several_addresses_the_client_is_the_right_most_that_is_no_trusted_proxy(
    forwarded: list[str], client: str
) -> None:
    assert address(PROXY, *forwarded) == client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("198.51.100.7, unknown, 10.0.0.1", "10.0.0.1"),
        ("198.51.100.7, , 10.0.0.1", "10.0.0.1"),
        ("198.51.100.7, unknown", PROXY),
        ("", PROXY),
        (",", PROXY),
        ("_hidden", PROXY),
        ("198.51.100.7.", PROXY),
        ("198.51.100", PROXY),
        ("198.51.100.07", PROXY),
        ("198.51.100.7/32", PROXY),
        ("198.51.100.7:port", PROXY),
        ("198.51.100.7:123456", PROXY),
        ("[198.51.100.7", PROXY),
        ("2001:db8::1]", PROXY),
        ("2001:db8::g", PROXY),
        ("\xb2\xb9", PROXY),
        ("1" * 100_000, PROXY),
        (":" * 100_000, PROXY),
    ],
)
def test_what_is_no_address_ends_the_search_at_the_last_good_one(forwarded: str, client: str) -> None:
    assert address(PROXY, forwarded) == client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("198.51.100.7:567", "198.51.100.7"),
        ("[2001:db8::1]:567", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("  198.51.100.7\t", "198.51.100.7"),
        ("[::ffff:198.51.100.7]:567", "198.51.100.7"),
    ],
)
def test_an_address_may_come_with_a_port_brackets_or_a_zone(forwarded: str, client: str) -> None:
    assert address(PROXY, forwarded) == client


def test_a_longer_chain_than_proxies_make_is_not_followed_to_its_end() -> None:
    assert address(PROXY, "198.51.100.7," + "127.0.0.1," * 6_000 + "127.0.0.3") == PROXY


def test_each_ipv4_address_is_a_client() -> None:
    assert network("192.0.2.1") != network("192.0.2.2")


@pytest.mark.parametrize("neighbour", ["2001:db8:0:1::2", "2001:db8:0:1:ffff:ffff:ffff:ffff"])
def test_the_addresses_of_an_ipv6_64_are_one_client(neighbour: str) -> None:
    assert network(neighbour) == network("2001:db8:0:1::1")


def test_another_64_is_another_client() -> None:
    assert network("2001:db8:0:2::1") != network("2001:db8:0:1::1")


def test_an_ipv4_address_written_as_ipv6_counts_as_ipv4() -> None:
    assert network("::ffff:192.0.2.1") == network("192.0.2.1")


def test_an_ipv6_network_is_never_taken_for_an_ipv4_address() -> None:
    assert network("0:0:c000:201::1") != network("192.0.2.1")


def test_a_call_without_a_peer_has_a_client_too() -> None:
    without_peer = scope(PEER) | {"client": None}

    assert CLIENTS.of(without_peer).address == ""


def exempt(peer: str, *fields: tuple[str, str], networks: tuple[str, ...] = ()) -> bool:
    clients = ClientAddresses(["127.0.0.0/8", "::1", "10.0.0.1"], networks)
    call = scope(peer)
    call["headers"] = [*call["headers"], *((name.encode(), value.encode()) for name, value in fields)]
    return clients.of(call).is_exempt


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_a_program_on_this_host_is_exempt(peer: str) -> None:
    assert exempt(peer, ("user-agent", "pytest"), ("origin", "http://localhost:3000"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("forwarded", "for=198.51.100.7"),
        ("x-forwarded-for", "198.51.100.7"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-for", ""),
        ("x-forwarded-host", "api.example.org"),
        ("x-forwarded-proto", "https"),
        ("via", "1.1 proxy"),
        ("x-real-ip", "127.0.0.1"),
    ],
)
def test_a_call_that_came_through_a_proxy_on_this_host_is_not_exempt(name: str, value: str) -> None:
    assert not exempt(PROXY, (name, value))


@pytest.mark.parametrize("peer", [PEER, "10.0.0.1", "2001:db8::1"])
def test_no_other_peer_is_exempt(peer: str) -> None:
    assert not exempt(peer)


@pytest.mark.parametrize("network", ["198.51.100.0/24", "198.51.100.7"])
def test_a_client_of_a_network_that_the_operator_named_is_exempt(network: str) -> None:
    assert exempt("198.51.100.7", networks=(network,))
    assert exempt(PROXY, ("x-forwarded-for", "198.51.100.7"), networks=(network,))
    assert not exempt(PROXY, ("x-forwarded-for", "198.51.101.7"), networks=(network,))
    assert not exempt("198.51.101.7", ("x-forwarded-for", "198.51.100.7"), networks=(network,))
