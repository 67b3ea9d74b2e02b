"""MX records of a domain: they must name our mail host, and no other."""

import asyncio
import uuid

from fake_email.doctor.dns_lookup import Dns
from fake_email.doctor.finding import Finding, Problem, passed

MISSING = Problem(
    id="mx_missing",
    severity="error",
    why="Senders find the host for the mail of a domain by its MX record.",
    mend="add the DNS record `{domain}. MX 10 {mail_host}.`",
)
NULL = Problem(
    id="mx_null",
    severity="error",
    why="This record says that the domain takes no mail (RFC 7505).",
    mend="replace it with the DNS record `{domain}. MX 10 {mail_host}.`",
)
ELSEWHERE = Problem(
    id="mx_elsewhere",
    severity="error",
    why="Mail for the domain goes to another host.",
    mend="replace it with the DNS record `{domain}. MX 10 {mail_host}.`",
)
OTHERS = Problem(
    id="mx_others",
    severity="warning",
    why="Some senders deliver to the other host, and its mail does not arrive here.",
    mend="remove the MX records of {domain} that do not name {mail_host}",
)
WILDCARD = Problem(
    id="mx_wildcard",
    severity="warning",
    why="Mail for every subdomain is sent here too, and refused.",
    mend="remove the DNS record `*.{domain}. MX`",
)


async def check(dns: Dns, domain: str, mail_host: str) -> list[Finding]:
    """Check the MX records of a domain, and of a subdomain that nobody has made; raises LookupFailed."""
    records, of_subdomain = await asyncio.gather(
        dns.values(domain, "MX"), dns.values(f"{uuid.uuid4().hex}.{domain}", "MX")
    )
    about, names = f"MX {domain}", {"domain": domain, "mail_host": mail_host}
    hosts = [record.partition(" ")[2].rstrip(".") for record in sorted(records, key=_preference)]
    seen = " ".join(host or "." for host in hosts)
    if not hosts:
        found = MISSING.found(about, "none", **names)
    elif not any(hosts):
        found = NULL.found(about, "0 .", **names)
    elif mail_host not in hosts:
        found = ELSEWHERE.found(about, f"{seen}, not {mail_host}", **names)
    elif set(hosts) != {mail_host}:
        found = OTHERS.found(about, seen, **names)
    else:
        found = passed(about, seen)
    wildcard = [WILDCARD.found(f"MX *.{domain}", " ".join(of_subdomain), **names)] if of_subdomain else []
    return [found, *wildcard]


def _preference(record: str) -> int:
    return int(record.partition(" ")[0])
