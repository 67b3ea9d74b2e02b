"""The DNS of a domain against a zone with one fault at a time, and what is said of it."""

from collections.abc import Iterator

import pytest
from support.dns_server import FAILS, DnsServer, Zone, running_dns
from support.harness import free_port

from fake_email.doctor import dns_records, mta_sts
from fake_email.doctor.finding import Finding
from fake_email.doctor.http_call import Site
from fake_email.doctor.target import Target

DOMAIN = "fake-email.example"
API, MAIL = f"api.{DOMAIN}", f"mail.{DOMAIN}"
GOOD: Zone = {
    ("", "NS"): ("ns.example.",),
    (DOMAIN, "MX"): (f"10 {MAIL}.",),
    (DOMAIN, "TXT"): ("v=spf1 -all", "something else"),
    (DOMAIN, "CAA"): ('0 issue "letsencrypt.org; validationmethods=http-01"', '0 iodef "mailto:x@example.net"'),
    (f"_dmarc.{DOMAIN}", "TXT"): ("v=DMARC1; p=reject",),
    (f"_smtp._tls.{DOMAIN}", "TXT"): ("v=TLSRPTv1; rua=mailto:x@example.net",),
    (API, "A"): ("192.0.2.10",),
    (MAIL, "A"): ("192.0.2.10",),
    (MAIL, "AAAA"): ("2001:db8::10",),
    ("10.2.0.192.in-addr.arpa", "PTR"): (f"{MAIL}.",),
}
FAULTS: dict[str, Zone] = {
    "mx_missing": {(DOMAIN, "MX"): ()},
    "mx_null": {(DOMAIN, "MX"): ("0 .",)},
    "mx_elsewhere": {(DOMAIN, "MX"): ("10 mx.example.net.",)},
    "mx_others": {(DOMAIN, "MX"): (f"10 {MAIL}.", "20 mx.example.net.")},
    "mx_wildcard": {(f"*.{DOMAIN}", "MX"): (f"10 {MAIL}.",)},
    "mx_is_cname": {(MAIL, "CNAME"): ("host.example.net.",)},
    "host_no_address": {(API, "A"): ()},
    "host_no_ipv4": {(MAIL, "A"): ()},
    "ptr_missing": {("10.2.0.192.in-addr.arpa", "PTR"): ()},
    "ptr_elsewhere": {("10.2.0.192.in-addr.arpa", "PTR"): ("vm-10.provider.example.",)},
    "caa_forbids": {(API, "CAA"): ('0 issue ";"',)},
    "caa_missing": {(DOMAIN, "CAA"): ()},
    "spf_missing": {(DOMAIN, "TXT"): ("something else",)},
    "spf_several": {(DOMAIN, "TXT"): ("v=spf1 -all", "v=spf1 mx -all")},
    "spf_permissive": {(DOMAIN, "TXT"): ("v=spf1 mx ~all",)},
    "dmarc_missing": {(f"_dmarc.{DOMAIN}", "TXT"): ("v=spf1 -all",)},
    "dmarc_several": {(f"_dmarc.{DOMAIN}", "TXT"): ("v=DMARC1; p=reject", "v=DMARC1; p=none")},
    "dmarc_permissive": {(f"_dmarc.{DOMAIN}", "TXT"): ("v=DMARC1; p=none; sp=reject",)},
    "tls_rpt_missing": {(f"_smtp._tls.{DOMAIN}", "TXT"): ()},
    "mta_sts_broken": {(f"_mta-sts.{DOMAIN}", "TXT"): ("v=STSv1; id=1",)},
    "lookup_failed": {(f"_dmarc.{DOMAIN}", "TXT"): FAILS},
}


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    with running_dns(GOOD) as server:
        yield server


def target(port: int, *domains: str) -> Target:
    site = Site(url=f"https://{API}")
    return Target(
        domains=domains or (DOMAIN,), mail_host=MAIL, api=site, http=site, smtp=(MAIL, 25), resolver=("127.0.0.1", port)
    )


async def examined(server: DnsServer, zone: Zone, *domains: str) -> list[Finding]:
    server.zone = zone
    return await dns_records.check(target(server.port, *domains))


def problems(findings: list[Finding]) -> set[str]:
    return {finding.id for finding in findings if finding.severity != "ok"}


async def test_a_domain_with_all_records_has_only_the_note_that_mta_sts_is_missing(server: DnsServer) -> None:
    findings = await examined(server, GOOD)

    assert problems(findings) == {"mta_sts_missing"}
    assert f"MX {DOMAIN}: {MAIL}" in [f"{finding.about}: {finding.what}" for finding in findings]


@pytest.mark.parametrize("problem", FAULTS)
async def test_a_fault_in_the_zone_is_found(server: DnsServer, problem: str) -> None:
    findings = await examined(server, GOOD | FAULTS[problem])

    assert [finding.id for finding in findings].count(problem) == 1
    assert len(problems(findings) - {"mta_sts_missing"}) <= 1


async def test_a_mended_record_names_the_domain_and_the_host(server: DnsServer) -> None:
    findings = await examined(server, GOOD | FAULTS["mx_missing"])

    [missing] = [finding for finding in findings if finding.id == "mx_missing"]
    assert missing.mend == f"add the DNS record `{DOMAIN}. MX 10 {MAIL}.`"


async def test_a_subdomain_has_the_policy_that_its_parent_has_for_subdomains(server: DnsServer) -> None:
    domain = f"mx.{DOMAIN}"
    zone = GOOD | {(domain, "MX"): (f"10 {MAIL}.",), (domain, "TXT"): ("v=spf1 -all",)}

    kept = await examined(server, zone, domain)
    loosened = await examined(server, zone | {(f"_dmarc.{DOMAIN}", "TXT"): ("v=DMARC1; p=reject; sp=none",)}, domain)

    assert "dmarc_permissive" not in problems(kept)
    assert "dmarc_permissive" in problems(loosened)


async def test_a_reserved_name_is_not_looked_up(server: DnsServer) -> None:
    server.asked.clear()

    findings = await examined(server, GOOD, "mx.test", "localhost")

    assert problems(findings) == {"domain_reserved"}
    assert server.asked.total() == 0


async def test_a_resolver_that_does_not_answer_is_one_finding() -> None:
    findings = await dns_records.check(target(free_port()))

    assert [finding.id for finding in findings] == ["resolver_away"]


@pytest.mark.parametrize(
    ("policy", "wrong"),
    [
        (f"version: STSv1\r\nmode: enforce\r\nmx: {MAIL}\r\n", ""),
        (f"version: STSv1\nmode: enforce\nmx: *.{DOMAIN}\n", ""),
        ("version: STSv1\nmode: none\n", ""),
        ("version: STSv1\nmode: enforce\nmx: mx.example.net\n", f"the policy lists mx.example.net, not {MAIL}"),
        ("<html>", "the policy does not begin with version: STSv1"),
    ],
)
def test_a_policy_of_mta_sts_must_list_the_mail_host(policy: str, wrong: str) -> None:
    assert mta_sts.policy_problem(policy, MAIL) == wrong
