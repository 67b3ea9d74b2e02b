"""The DNS of an installation: all look-ups at once, and a finding for each look-up that fails."""

import asyncio
import ipaddress
from collections.abc import Coroutine

from fake_email.doctor import dns_hosts, dns_mail, dns_policies, mta_sts
from fake_email.doctor.dns_lookup import Dns, LookupFailed
from fake_email.doctor.finding import Finding, Problem
from fake_email.doctor.target import Target

RESOLVER_AWAY = Problem(
    id="resolver_away",
    severity="error",
    why="Without DNS nothing here can be checked, and smtp-ingest cannot check senders.",
    mend="check /etc/resolv.conf, or name a resolver `--resolver 192.0.2.53`",
)
LOOKUP_FAILED = Problem(
    id="lookup_failed",
    severity="warning",
    why="A sender that gets no answer either does not deliver now.",
    mend="ask the provider of the domain's DNS when this lasts",
)
RESERVED = Problem(
    id="domain_reserved",
    severity="note",
    why="The public DNS has no records for this name (RFC 6761), so no mail comes in from the internet.",
    mend="set DOMAIN to a domain that you own, when mail from the internet should arrive",
)
_RESERVED = {"internal", "invalid", "local", "localhost", "test"}


async def check(target: Target) -> list[Finding]:
    """Check the records of every domain, of the mail host and of the API's host."""
    domains = [domain for domain in target.domains if not _is_reserved(domain)]
    reserved = [
        RESERVED.found(f"DNS {domain}", "a reserved name: not examined")
        for domain in target.domains
        if domain not in domains
    ]
    if not domains:
        return reserved
    try:
        dns = Dns(target.resolver)
    except LookupFailed as failed:
        return [RESOLVER_AWAY.found("DNS", str(failed))]
    if not await dns.answers():
        return [RESOLVER_AWAY.found("DNS", f"no answer from {' '.join(dns.servers)}")]
    results = await asyncio.gather(*(_found(check) for check in _checks(dns, target, domains)))
    # A record that both hosts lack is reported once.
    return [*reserved, *dict.fromkeys(finding for findings in results for finding in findings)]


def _checks(dns: Dns, target: Target, domains: list[str]) -> list[Coroutine[None, None, list[Finding]]]:
    checks: list[Coroutine[None, None, list[Finding]]] = []
    for domain in domains:
        checks.append(dns_mail.check(dns, domain, target.mail_host))
        checks.append(dns_policies.check(dns, domain))
        checks.append(mta_sts.check(dns, domain, target.mail_host))
    if _is_public_name(target.mail_host):
        checks.append(dns_hosts.check_mail_host(dns, target.mail_host))
        checks.append(dns_hosts.check_authorities(dns, target.mail_host, domains[0]))
    if _is_public_name(target.api.host) and target.api.host != target.mail_host:
        checks.append(dns_hosts.check_addresses(dns, target.api.host))
        checks.append(dns_hosts.check_authorities(dns, target.api.host, domains[0]))
    return checks


async def _found(check: Coroutine[None, None, list[Finding]]) -> list[Finding]:
    try:
        return await check
    except LookupFailed as failed:
        return [LOOKUP_FAILED.found("DNS", str(failed))]


def _is_reserved(name: str) -> bool:
    return name.rpartition(".")[2] in _RESERVED


def _is_public_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host and not _is_reserved(host)
    return False
