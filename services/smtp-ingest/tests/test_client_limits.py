"""The limits on the sessions and the octets of one client, as the daemon counts them."""

import pytest

from fake_email.settings import Settings
from smtp_ingest.client_limits import ClientLimits, ClientOctets


def limits(sessions: int = 2, per_minute: int = 1_000, exempt: tuple[str, ...] = ()) -> ClientLimits:
    return ClientLimits(
        Settings(
            database_url="postgresql:///",
            domain=("mx.test",),
            smtp_max_client_sessions=sessions,
            smtp_max_client_sessions_per_minute=per_minute,
            smtp_exempt_networks=exempt,
        )
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
    ids=["IPv4 mapped to IPv6", "an IPv6 /64", "zones"],
)
def test_addresses_of_one_network_are_one_client(one: str, other: str) -> None:
    assert limits().network(one) == limits().network(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "192.0.2.2"),
        ("2001:db8:0:1::1", "2001:db8:0:2::1"),
        ("0.0.0.1", "0:0:0:1::"),
        ("192.0.2.1", "::c000:201:0:0:0:1"),
    ],
)
def test_each_network_is_a_client(one: str, other: str) -> None:
    assert limits().network(one) != limits().network(other)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "198.51.100.7", "2001:db8:1:2::3", ""],
)
def test_a_client_on_this_host_or_in_an_exempt_network_is_not_counted(address: str) -> None:
    exempt = limits(exempt=("198.51.100.0/24", "2001:db8:1::/48"))

    assert exempt.network(address) is None


def test_a_client_outside_the_exempt_networks_is_counted() -> None:
    assert limits(exempt=("198.51.100.0/24", "2001:db8:1::/48")).network("198.51.101.7") is not None


def test_a_client_at_its_limit_is_refused() -> None:
    limited = limits(sessions=2)

    assert [limited.admit(1, 0), limited.admit(1, 0), limited.admit(1, 0)] == [None, None, "smtp_max_client_sessions"]


def test_each_client_has_its_own_limit() -> None:
    limited = limits(sessions=1)
    limited.admit(1, 0)

    assert limited.admit(2, 0) is None


def test_a_session_that_ended_releases_its_slot() -> None:
    limited = limits(sessions=2)
    limited.admit(1, 0)
    limited.admit(1, 0)

    limited.release(1)

    assert [limited.admit(1, 0), limited.admit(1, 0)] == [None, "smtp_max_client_sessions"]


def test_a_session_that_was_refused_takes_no_slot() -> None:
    limited = limits(sessions=1)
    limited.admit(1, 0)
    limited.admit(1, 0)

    limited.release(1)

    assert limited.admit(1, 0) is None


def test_a_client_that_began_too_many_sessions_in_a_minute_is_refused() -> None:
    limited = limits(per_minute=2)
    for _ in range(2):
        limited.admit(1, 0)
        limited.release(1)

    assert limited.admit(1, 59.9) == "smtp_max_client_sessions_per_minute"


def test_a_client_may_begin_sessions_again_after_a_minute() -> None:
    limited = limits(per_minute=1)
    limited.admit(1, 0)

    assert limited.admit(1, 60) is None


def test_the_minute_of_a_client_begins_with_its_first_session() -> None:
    limited = limits(per_minute=1)
    limited.admit(1, 0)
    limited.admit(2, 30)

    assert [limited.admit(1, 60), limited.admit(2, 60)] == [None, "smtp_max_client_sessions_per_minute"]


def test_a_refused_session_does_not_prolong_the_minute() -> None:
    limited = limits(per_minute=1)
    limited.admit(1, 0)
    limited.admit(1, 59)

    assert limited.admit(1, 60) is None


def test_past_65536_clients_in_a_minute_the_client_with_the_oldest_minute_is_dropped() -> None:
    limited = limits(per_minute=1)

    for network in range(65_537):
        limited.admit(network, 0)

    assert [limited.admit(network, 0) is None for network in (65_536, 1, 0)] == [False, False, True]


# Octets in a day

DAY = 86_400.0


@pytest.mark.parametrize(("octets", "has_space"), [(40, True), (41, False), (0, True)])
def test_a_client_may_store_as_many_octets_as_are_left_of_its_day(octets: int, has_space: bool) -> None:
    limited = ClientOctets(100)

    limited.count(1, 60, 0)

    assert limited.has_space(1, octets, 1) is has_space


def test_a_message_of_unknown_size_needs_at_least_one_octet() -> None:
    limited = ClientOctets(100)

    limited.count(1, 100, 0)

    assert not limited.has_space(1, 0, 1)


def test_each_client_has_its_own_octets() -> None:
    limited = ClientOctets(100)

    limited.count(1, 100, 0)

    assert limited.has_space(2, 100, 1)


def test_octets_that_were_not_stored_are_taken_back() -> None:
    limited = ClientOctets(100)
    limited.count(1, 100, 0)

    limited.count(1, -100, 1)

    assert limited.has_space(1, 100, 2)


def test_the_day_of_a_client_begins_with_its_first_message() -> None:
    limited = ClientOctets(100)
    limited.count(1, 60, 0)
    limited.count(2, 60, DAY / 2)
    limited.count(1, 40, DAY - 1)

    assert [limited.has_space(network, 41, DAY) for network in (1, 2)] == [True, False]


def test_octets_taken_back_after_the_day_count_nothing() -> None:
    limited = ClientOctets(100)
    limited.count(1, 60, 0)

    limited.count(1, -60, DAY)

    assert [limited.has_space(1, octets, DAY) for octets in (100, 101)] == [True, False]


def test_a_client_past_its_octets_is_logged_once_a_minute() -> None:
    limited = ClientOctets(100)
    limited.count(1, 100, 0)

    assert [limited.is_to_be_logged(1, now) for now in (1, 2, 60.9, 61, 62)] == [True, False, False, True, False]


def test_past_65536_clients_in_a_day_the_client_with_the_oldest_day_is_dropped() -> None:
    limited = ClientOctets(1)

    for network in range(65_537):
        limited.count(network, 1, 0)

    assert [limited.has_space(network, 1, 0) for network in (65_536, 1, 0)] == [False, False, True]


def test_without_a_limit_nothing_is_counted() -> None:
    unlimited = ClientOctets(None)

    unlimited.count(1, 10**12, 0)

    assert unlimited.has_space(1, 10**12, 0)
