"""The addresses of the mail host and the API's host, and the authorities that may issue certificates for them."""

import asyncio
import ipaddress

from fake_email.doctor.dns_lookup import Dns
from fake_email.doctor.finding import Finding, Problem, passed

NO_ADDRESS = Problem(
    id="host_no_address",
    severity="error",
    why="Nobody can connect to a host without an address.",
    mend="add the DNS record `{host}. A ADDRESS-OF-THE-HOST`",
)
NO_IPV4 = Problem(
    id="host_no_ipv4",
    severity="error",
    why="Many mail servers and networks have no IPv6. They cannot connect.",
    mend="add the DNS record `{host}. A IPV4-ADDRESS-OF-THE-HOST`",
)
IS_CNAME = Problem(
    id="mx_is_cname",
    severity="warning",
    why="An MX record must not name an alias (RFC 2181 §10.3). Some senders do not deliver to one.",
    mend="replace the CNAME record of {host} with A records",
)
PTR_MISSING = Problem(
    id="ptr_missing",
    severity="note",
    why="A host that only receives mail does not need it, but some senders look.",
    mend="ask the provider of {address} to set its reverse name to {host}",
)
PTR_ELSEWHERE = Problem(
    id="ptr_elsewhere",
    severity="note",
    why="A host that only receives mail does not need it, but some senders look.",
    mend="ask the provider of {address} to set its reverse name to {host}",
)
CAA_FORBIDS = Problem(
    id="caa_forbids",
    severity="error",
    why="Caddy gets its certificates from Let's Encrypt or ZeroSSL, and this record forbids both.",
    mend='add the DNS record `{at}. CAA 0 issue "letsencrypt.org"`',
)
CAA_MISSING = Problem(
    id="caa_missing",
    severity="note",
    why="Every certificate authority may issue certificates for this name.",
    mend='add the DNS record `{domain}. CAA 0 issue "letsencrypt.org"`',
)
# The names of the authorities that Caddy asks by default: Let's Encrypt, and Sectigo for ZeroSSL.
_AUTHORITIES = {"letsencrypt.org", "sectigo.com"}


async def check_mail_host(dns: Dns, host: str) -> list[Finding]:
    """Check addresses, alias and reverse names; raises LookupFailed."""
    alias, found = await asyncio.gather(dns.values(host, "CNAME"), check_addresses(dns, host))
    if alias:
        found.append(IS_CNAME.found(f"CNAME {host}", " ".join(alias), host=host))
    addresses = await dns.values(host, "A")
    return [*found, *await asyncio.gather(*(_reverse(dns, address, host) for address in addresses))]


async def check_addresses(dns: Dns, host: str) -> list[Finding]:
    """Check A and AAAA; raises LookupFailed."""
    ipv4, ipv6 = await asyncio.gather(dns.values(host, "A"), dns.values(host, "AAAA"))
    if not ipv4 and not ipv6:
        return [NO_ADDRESS.found(f"A {host}", "none", host=host)]
    if not ipv4:
        return [NO_IPV4.found(f"A {host}", f"none, only AAAA {' '.join(ipv6)}", host=host)]
    return [passed(f"A {host}", " ".join([*ipv4, *ipv6]))]


async def check_authorities(dns: Dns, host: str, domain: str) -> list[Finding]:
    """Check the CAA records of the nearest parent that has some (RFC 8659 §3); raises LookupFailed."""
    labels = host.split(".")
    for at in (".".join(labels[number:]) for number in range(len(labels) - 1)):
        if records := await dns.values(at, "CAA"):
            return [_authorities(records, host, at)]
    return [CAA_MISSING.found(f"CAA {domain}", "none", domain=domain)]


async def _reverse(dns: Dns, address: str, host: str) -> Finding:
    names = await dns.values(ipaddress.ip_address(address).reverse_pointer, "PTR")
    about, seen = f"PTR {address}", " ".join(names)
    if not names:
        return PTR_MISSING.found(about, "none", address=address, host=host)
    if host not in names:
        return PTR_ELSEWHERE.found(about, f"{seen}, not {host}", address=address, host=host)
    return passed(about, seen)


def _authorities(records: tuple[str, ...], host: str, at: str) -> Finding:
    """The finding for records like `0 issue "letsencrypt.org; validationmethods=dns-01"`."""
    split = [record.split(" ", 2) for record in records]
    issuers = {value.strip('"').partition(";")[0].strip() for _, tag, value in split if tag == "issue"}
    if issuers and not issuers & _AUTHORITIES:
        return CAA_FORBIDS.found(f"CAA {host}", f"{at} allows {' '.join(sorted(issuers)).strip() or 'nobody'}", at=at)
    return passed(f"CAA {host}", " ".join(sorted(issuers)) or "any authority")
