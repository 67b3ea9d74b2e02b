"""Resolvers of a host among the addresses that the units deny: found, and allowed by a drop-in."""

from pathlib import Path

import pytest
import resolvers

UNITS = Path(__file__).parents[2] / "deploy/systemd"
UNIT = (UNITS / "fake-email-http-api.service").read_text()
METADATA = ["169.254.169.254", "169.254.170.2", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192"]


@pytest.mark.parametrize("address", METADATA)
def test_the_units_deny_the_metadata_services_of_the_clouds(address: str) -> None:
    assert resolvers.denied(f"nameserver {address}\n", UNIT) == [address]


def test_both_services_deny_the_same_addresses() -> None:
    denied = {
        line
        for unit in UNITS.glob("*.service")
        for line in unit.read_text().splitlines()
        if line.startswith("IPAddressDeny=") and line != "IPAddressDeny=any"
    }

    assert len(denied) == 1


def test_other_resolvers_are_left_alone() -> None:
    assert resolvers.denied("nameserver 127.0.0.53\nnameserver 100.100.2.136\nnameserver fe80::1%eth0\n", UNIT) == []


def test_a_resolver_is_read_as_resolv_conf_has_it() -> None:
    text = "# nameserver 169.254.1.1\nsearch example\n nameserver\t169.254.169.253 \nnameserver 169.254.169.253\n"

    assert resolvers.denied(text, UNIT) == ["169.254.169.253"]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a host's files, whose resolver is Google's metadata service."""
    (tmp_path / "resolv.conf").write_text("nameserver 169.254.169.254\n")
    monkeypatch.setattr(resolvers, "_RESOLV_CONF", tmp_path / "resolv.conf")
    monkeypatch.setattr(resolvers, "DROP_IN", tmp_path / "resolver.conf")
    return tmp_path


def test_a_resolver_that_the_units_deny_is_unreachable_until_the_drop_in_allows_it(host: Path) -> None:
    before = resolvers.unreachable(UNITS)
    (host / "resolver.conf").write_text(resolvers.drop_in(resolvers.of_host(UNITS)))

    assert (before, resolvers.unreachable(UNITS)) == (["169.254.169.254"], [])


def test_a_host_with_another_resolver_needs_no_drop_in(host: Path) -> None:
    (host / "resolv.conf").write_text("nameserver 127.0.0.53\n")

    assert resolvers.drop_in(resolvers.of_host(UNITS)) == ""
    assert resolvers.unreachable(UNITS) == []
