"""Check the DNS records of the domains from this host."""

import re
import subprocess

from host_checks.finding import Finding, failed, note, passed

_HOST = ["host", "-W", "3", "-R", "1"]
_ADDRESS = re.compile(r"has (?:IPv6 )?address (\S+)")
_EXCHANGE = re.compile(r"mail is handled by \d+ (\S*)\.$", re.MULTILINE)
_POINTER = re.compile(r"domain name pointer (\S+)\.$", re.MULTILINE)
_SECONDS = 15


def look(domains: list[str]) -> list[Finding]:
    """Check A for both hosts of the first domain, MX for each domain, and PTR for the mail host."""
    api, mail = f"api.{domains[0]}", f"mail.{domains[0]}"
    findings = [_addresses(name) for name in (api, mail)]
    findings += [_exchange(domain, mail) for domain in domains]
    return [*findings, _pointer(mail)]


def _addresses(name: str) -> Finding:
    found = _ADDRESS.findall(_ask(name))
    if found:
        return passed(f"A {name}", " ".join(found))
    return failed(f"A {name}", "no address: add an A record with this host's address")


def _exchange(domain: str, mail: str) -> Finding:
    found = _EXCHANGE.findall(_ask("-t", "MX", domain))
    if mail in found:
        return passed(f"MX {domain}", " ".join(found))
    if found:
        return failed(f"MX {domain}", f"names {' '.join(found)}, not {mail}")
    return failed(f"MX {domain}", f"none: add the record 10 {mail}.")


def _pointer(mail: str) -> Finding:
    [address, *_] = [*_ADDRESS.findall(_ask(mail)), ""]
    found = _POINTER.findall(_ask(address)) if address else []
    # A host that sends no mail does not need a PTR record.
    return (passed if mail in found else note)(f"PTR {address or mail}", " ".join(found) or "none")


def _ask(*query: str) -> str:
    try:
        done = subprocess.run([*_HOST, *query], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
