"""The host: its units, its disks, and whether the units may ask its DNS servers."""

import ipaddress
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from fake_email.doctor.dns_lookup import Dns, LookupFailed
from fake_email.doctor.finding import Finding, Problem, passed
from fake_email.doctor.in_thread import in_thread
from fake_email.doctor.target import Target

UNIT_DOWN = Problem(
    id="unit_down",
    severity="error",
    why="systemd does not run it, so what it does is not done.",
    mend="`sudo systemctl reset-failed; sudo systemctl restart {unit}; systemctl status {unit}`",
)
DISK_LOW = Problem(
    id="disk_low",
    severity="warning",
    why="A deploy needs up to 500 MB, and so do the journal and a Postgres on this host.",
    mend="`sudo journalctl --vacuum-size=500M; sudo du -xhd 1 {path} | sort -h | tail`",
)
DISK_FULL = Problem(
    id="disk_full",
    severity="error",
    why="No release can be installed, and a Postgres on this host takes no mail.",
    mend="`sudo journalctl --vacuum-size=500M; sudo du -xhd 1 {path} | sort -h | tail`",
)
RESOLVER_DENIED = Problem(
    id="resolver_denied",
    severity="error",
    why="The services cannot look up the database or senders: their units deny the address of this DNS server.",
    mend="run deploy/setup.sh again, which allows it",
)
RESOLVER_OPENED = Problem(
    id="resolver_opened",
    severity="note",
    why="Clouds hand out credentials at such an address, and the services can reach it.",
    mend="systemd-resolved on this host would need no opening",
)
UNITS = (
    "fake-email-smtp-ingest.socket",
    "fake-email-smtp-ingest-metrics.socket",
    "fake-email-smtp-ingest.service",
    "fake-email-http-api.socket",
    "fake-email-http-api-metrics.socket",
    "fake-email-http-api.service",
    "fake-email.path",
    "caddy.service",
)
_SERVICE = "fake-email-smtp-ingest.service"
_DISKS = (Path("/"), Path("/opt"), Path("/var"), Path("/var/log"))
_LOW_OCTETS, _FULL_OCTETS = 1_500_000_000, 500_000_000
_MEGABYTE = 1_000_000
_SHOWN_LINES, _READ_LINES = 10, 500
_MATTERS = {"warn", "warning", "error", "critical"}
# systemd's messages about healthy units, and the environment that Caddy prints when it starts.
_EVERYDAY = re.compile(r"(Start|Stop|Reload|Listen|Clos)\w* |[\w.]+=|.*: (Deactivated|Consumed) ")
_SECONDS = 10.0


async def check(target: Target) -> list[Finding]:
    """Check units, disks and resolvers; nothing except on a host that deploy/ has set up."""
    return await in_thread(lambda: [*_units(), *_disks(), *_resolvers(target)]) if target.is_host else []


def _units() -> list[Finding]:
    found = []
    for unit in UNITS:
        state = " ".join(_properties(unit, "ActiveState", "SubState").values())
        if state.startswith("active"):
            found.append(passed(unit, state))
        else:
            found.append(UNIT_DOWN.found(unit, state or "unknown", unit=unit, details=_journal(unit)))
    return found


def _journal(unit: str) -> list[str]:
    """The last relevant lines of the past hour: warnings, errors, and lines that are not events."""
    read = ("--no-pager", "--output=cat", "--since=-1h", f"--lines={_READ_LINES}", f"--unit={unit}")
    return relevant(_run("journalctl", *read).splitlines())


def relevant(lines: Iterable[str]) -> list[str]:
    """The last ten lines that a person must read. Pure."""
    return [line for line in lines if _matters(line)][-_SHOWN_LINES:]


def _matters(line: str) -> bool:
    with suppress(ValueError):
        event = json.loads(line)
        if isinstance(event, dict):
            return event.get("level") in _MATTERS
    return not _EVERYDAY.match(line)


def _disks() -> list[Finding]:
    by_device = {path.stat().st_dev: path for path in reversed(_DISKS) if path.exists()}
    return [of_disk(path, shutil.disk_usage(path).free) for path in reversed(by_device.values())]


def of_disk(path: Path, free_octets: int) -> Finding:
    """The finding on a disk. Pure."""
    about, free = f"disk of {path}", f"{free_octets // _MEGABYTE:,} MB free"
    if free_octets < _FULL_OCTETS:
        return DISK_FULL.found(about, free, path=path)
    if free_octets < _LOW_OCTETS:
        return DISK_LOW.found(about, free, path=path)
    return passed(about, free)


def _resolvers(target: Target) -> list[Finding]:
    try:
        servers = Dns(target.resolver).servers
    except LookupFailed:
        return []  # the check of DNS reports it
    return of_resolvers(servers, _properties(_SERVICE, "IPAddressAllow", "IPAddressDeny"))


def of_resolvers(servers: Iterable[str], properties: Mapping[str, str]) -> list[Finding]:
    """The findings on DNS servers that the unit denies, and on those that it denies but for an exception. Pure."""
    denied, allowed = (
        [ipaddress.ip_network(each) for each in properties.get(name, "").split()]
        for name in ("IPAddressDeny", "IPAddressAllow")
    )
    found = []
    for server in servers:
        address = ipaddress.ip_address(server.partition("%")[0])
        if not any(address in network for network in denied):
            continue
        problem = RESOLVER_OPENED if any(address in network for network in allowed) else RESOLVER_DENIED
        found.append(problem.found(f"resolver {server}", "among the addresses that the units deny"))
    return found


def _properties(unit: str, *names: str) -> dict[str, str]:
    shown = _run("systemctl", "show", f"--property={','.join(names)}", unit)
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False).stdout  # noqa: S603  # fixed commands
    except (OSError, subprocess.TimeoutExpired):
        return ""
