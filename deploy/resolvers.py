"""The DNS servers of this host that lie where the units may not connect (IPAddressDeny=), and the drop-in for these."""

import ipaddress
import re
from pathlib import Path

DROP_IN = Path("/etc/systemd/system/fake-email-http-api.service.d/resolver.conf")
_RESOLV_CONF = Path("/etc/resolv.conf")
_UNIT = "fake-email-http-api.service"
_NAME_SERVER = re.compile(r"^[ \t]*nameserver[ \t]+([0-9A-Fa-f:.]+)", re.MULTILINE)

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def of_host(units: Path) -> list[str]:
    """The name servers of this host that the units in this directory deny."""
    return denied(_text(_RESOLV_CONF), _text(units / _UNIT))


def unreachable(units: Path) -> list[str]:
    """The name servers of `of_host` that the drop-in does not allow."""
    allowed = _networks(_text(DROP_IN), "Allow")
    return [each for each in of_host(units) if ipaddress.ip_network(each) not in allowed]


def denied(resolv_conf: str, unit: str) -> list[str]:
    """The name servers of a resolv.conf(5) in the networks that `unit` denies; each once."""
    networks = _networks(unit, "Deny")
    name_servers = dict.fromkeys(_NAME_SERVER.findall(resolv_conf))
    return [each for each in name_servers if any(ipaddress.ip_address(each) in network for network in networks)]


def drop_in(name_servers: list[str]) -> str:
    """The drop-in that allows these, or an empty text for none; IPAddressAllow= wins over IPAddressDeny=."""
    if not name_servers:
        return ""
    return f"# This host resolves names there.\n[Service]\nIPAddressAllow={' '.join(name_servers)}\n"


def _networks(unit: str, kind: str) -> list[_Network]:
    listed = " ".join(re.findall(rf"^IPAddress{kind}=(.*)$", unit, re.MULTILINE))
    return [ipaddress.ip_network(each) for each in listed.split()]


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def main() -> None:
    """Print the drop-in that this host needs with the units of this directory."""
    print(drop_in(of_host(Path("systemd"))), end="")


if __name__ == "__main__":
    main()
