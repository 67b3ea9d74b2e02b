"""The parts of the check of a host that are not systemd's: disks, DNS servers, and lines of the journal."""

from pathlib import Path

import pytest

from fake_email.doctor import host_check

SYSTEMD = Path(__file__).parents[3] / "deploy/systemd"
DENY = "169.254.0.0/16 fd00:ec2::254/128"


@pytest.mark.parametrize(
    ("free", "expected"), [(40_000_000_000, "passed"), (900_000_000, "disk_low"), (90_000_000, "disk_full")]
)
def test_little_space_on_a_disk_is_found(free: int, expected: str) -> None:
    assert host_check.of_disk(Path("/opt"), free).id == expected


@pytest.mark.parametrize(
    ("servers", "allow", "expected"),
    [
        (["127.0.0.53", "fe80::1%eth0"], "", []),
        (["169.254.169.253"], "", ["resolver_denied"]),
        (["192.0.2.53", "fd00:ec2::254"], "", ["resolver_denied"]),
        (["169.254.169.253"], "169.254.169.253/32", ["resolver_opened"]),
    ],
)
def test_a_dns_server_that_the_units_deny_is_found(servers: list[str], allow: str, expected: list[str]) -> None:
    findings = host_check.of_resolvers(servers, {"IPAddressDeny": DENY, "IPAddressAllow": allow})

    assert [finding.id for finding in findings] == expected


def test_every_unit_that_runs_all_the_time_is_checked() -> None:
    units = {path.name for path in SYSTEMD.iterdir() if path.suffix in {".service", ".socket", ".path"}}

    assert sorted(host_check.UNITS) == sorted(units - {"fake-email-certificate.service"} | {"caddy.service"})


def test_warnings_errors_and_lines_that_are_no_events_are_the_relevant_ones() -> None:
    lines = [
        '{"event": "message_stored", "level": "info"}',
        '{"event": "database_away", "level": "warning"}',
        "Started fake-email: HTTP API (http-api).",
        "Traceback (most recent call last):",
    ]

    assert host_check.relevant(lines) == [lines[1], lines[3]]
