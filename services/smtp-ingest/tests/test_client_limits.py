"""The limits on the sessions of one client, as the daemon counts them."""

import pytest

from fake_email.settings import Settings
from smtp_ingest.client_limits import ClientLimits


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
