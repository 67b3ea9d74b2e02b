"""Check that the services reach the DNS servers of this host, and tell which addresses are open to them for that."""

from pathlib import Path

import resolvers

from host_checks.finding import Finding, failed, note

_UNITS = Path("/etc/systemd/system")


def look() -> list[Finding]:
    """Nothing on a host whose resolvers are not among the addresses that the units deny."""
    closed = resolvers.unreachable(_UNITS)
    opened = [each for each in resolvers.of_host(_UNITS) if each not in closed]
    findings = [failed(f"resolver {each}", "the units deny it: run setup.sh again") for each in closed]
    findings += [
        note(
            f"resolver {each}",
            "open to the services, though clouds hand out credentials there; systemd-resolved would need no opening",
        )
        for each in opened
    ]
    return findings
