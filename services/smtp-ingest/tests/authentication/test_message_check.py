"""The check of a whole message: its results, its field, and the bounds that hold against hostile mail."""

import msgspec
import pytest
from support.signed_mail import MAIL, rsa_key, sealed, signed

from fake_email.authentication import DnsRecord, Verdict
from smtp_ingest.authentication import message_check
from smtp_ingest.authentication.job import Job
from smtp_ingest.authentication.lookups import MAX_LOOKUPS
from smtp_ingest.authentication.questions import Answer, Question

ZONE: dict[tuple[str, str], tuple[str, ...]] = {
    ("example.com", "TXT"): ("other=1", "v=spf1 ip4:192.0.2.1 -all"),
    ("_dmarc.example.com", "TXT"): ("v=DMARC1; p=reject",),
    ("s1._domainkey.example.com", "TXT"): (rsa_key()[1],),
    ("s1._domainkey.forwarder.example", "TXT"): (rsa_key()[1],),
    ("1.2.0.192.in-addr.arpa", "PTR"): ("mta.example.com",),
    ("mta.example.com", "A"): ("192.0.2.1",),
}


class Dns:
    """A DNS that knows one zone, and counts the questions."""

    def __init__(self, zone: dict[tuple[str, str], tuple[str, ...]] = ZONE, *, silent: bool = False) -> None:
        self.zone = zone
        self.asked = 0
        self.silent = silent
        self.there = True

    async def look_up(self, question: Question, seconds: float) -> Answer:
        assert seconds > 0
        self.asked += 1
        if self.silent:
            return Answer(failure="no answer in time", is_silent=True)
        return Answer(values=self.zone.get((question.name, question.type), ()))

    async def is_there(self) -> bool:
        return self.there


def job(content: bytes, *, reverse_path: str = "bounces@example.com", client_address: str = "192.0.2.1") -> Job:
    return Job(
        number=1,
        client_address=client_address,
        host_name="mta.example.com",
        reverse_path=reverse_path,
        protocol="ESMTPS",
        tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
        content=content,
    )


async def checked(given: Job, dns: Dns | None = None) -> Verdict:
    verdict = await message_check.check(given, dns or Dns(), ["mx.test"])
    assert verdict
    return verdict


async def test_good_mail_passes_each_method() -> None:
    verdict = await checked(job(sealed(signed())))

    found = verdict.authentication
    assert found.status == "checked"
    assert found.spf
    assert found.dmarc
    assert found.arc
    assert found.tls
    assert found.reverse_dns
    assert found.unsubscribe
    results = (found.spf, *found.dkim, found.arc, found.dmarc, found.tls, found.reverse_dns)
    assert [each.result for each in results] == ["pass"] * 6
    assert (found.unsubscribe.result, found.header) == ("none", ())
    assert found.spf.records == (DnsRecord(name="example.com", type="TXT", value="v=spf1 ip4:192.0.2.1 -all"),)
    assert (found.dmarc.policy, found.dmarc.organizational_domain) == ("reject", "example.com")
    assert verdict.results_field == (
        "mx.test;\r\n\tspf=pass smtp.mailfrom=example.com;\r\n"
        "\tdkim=pass header.d=example.com header.a=rsa-sha256 header.s=s1;\r\n"
        "\tarc=pass;\r\n\tdmarc=pass header.from=example.com;\r\n\tiprev=pass policy.iprev=192.0.2.1"
    )


async def test_forged_mail_fails_and_the_senders_own_verdict_counts_for_nothing() -> None:
    forged = b"Authentication-Results: mx.test; spf=pass; dkim=pass; dmarc=pass header.from=example.com\r\n" + MAIL

    found = (await checked(job(forged, reverse_path="ann@evil.example", client_address="192.0.2.66"))).authentication

    assert found.dmarc
    assert found.reverse_dns
    assert (found.dmarc.result, found.reverse_dns.result) == ("fail", "permerror")
    assert [each.fault for each in found.header] == ["forged_results"]


async def test_a_bounce_is_checked_by_the_name_in_ehlo() -> None:
    verdict = await checked(job(MAIL, reverse_path=""))

    assert "spf=none smtp.helo=mta.example.com" in verdict.results_field


async def test_large_content_is_checked_too() -> None:
    verdict = await checked(job(signed(MAIL + b"x" * 70 + b"\r\n" * 50_000)))

    assert [each.result for each in verdict.authentication.dkim] == ["pass"]


@pytest.mark.parametrize(
    "text",
    ["x@evil.example\r\nInjected: 1", 'a"; spf=pass; "@b.example', "é@é.example", "@", "a@" + "b." * 200, "a@b..c"],
)
async def test_a_stranger_adds_nothing_to_our_field(text: str) -> None:
    content = b"From: a@b.example\r\nDKIM-Signature: v=1; a=rsa-sha256; d=x;y\r\n z; s=a@b; h=from; b=AA; bh=AA\r\n\r\n"

    verdict = await checked(job(content, reverse_path=text, client_address=text))

    lines = verdict.results_field.split(";\r\n\t")
    assert lines[0] == "mx.test"
    assert [line.partition("=")[0] for line in lines[1:]] == ["spf", "dkim", "arc", "dmarc", "iprev"]
    assert verdict.results_field.isascii()
    assert verdict.results_field.replace("\r\n\t", "").isprintable()


async def test_a_message_asks_forty_questions_at_most_and_says_so() -> None:
    spf = "v=spf1 " + " ".join(f"mx:m{number}.example.com" for number in range(9)) + " -all"
    zone = ZONE | {("example.com", "TXT"): (spf,)}
    zone |= {
        (f"m{each}.example.com", "MX"): tuple(f"1 x{each}{host}.example" for host in range(9)) for each in range(9)
    }
    zone |= {(f"x{each}{host}.example", "A"): ("192.0.2.9",) for each in range(9) for host in range(9)}
    dns = Dns(zone)

    found = (await checked(job(signed()), dns)).authentication

    assert dns.asked == MAX_LOOKUPS
    assert found.spf
    assert found.dmarc
    assert (found.spf.result, found.dmarc.result) == ("temperror", "pass")
    assert "more than 40 look-ups" in found.spf.reason


async def test_a_verdict_is_bounded_whatever_strangers_put_into_dns() -> None:
    long = "v=spf1 " + "a" * 5_000
    zone = {key: (long, *(long + str(each) for each in range(50))) for key in ZONE} | {
        ("_dmarc." + ".".join("l" * 60 for _ in range(number)), "TXT"): (long,) for number in range(1, 4)
    }
    content = MAIL
    for number in range(5):
        content = (
            b"DKIM-Signature: v=1; a=rsa-sha256; d="
            + b"d" * 200
            + b".example; s=%d; h=from; b=AA; bh=AA\r\n" % number
            + content
        )

    verdict = await checked(job(content), Dns(zone))

    assert len(msgspec.json.encode(verdict)) <= message_check.MAX_VERDICT_OCTETS


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n\r\n",
        b"\xff" * 10_000,
        b"DKIM-Signature: b=" + b"\r\n " * 2_500 + b"\r\n\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from; t=" + b"9" * 6_000 + b"; b=AA; bh=AA\r\n\r\n",
        b"ARC-Seal: i=99999999999999999999; a=rsa-sha256\r\n\r\n",
        b"From: " + b"a@b.example, " * 10_000 + b"\r\n\r\n",
    ],
)
async def test_hostile_content_has_a_verdict(content: bytes) -> None:
    assert (await checked(job(content))).authentication.status == "checked"


async def test_a_resolver_that_is_away_gives_no_verdict() -> None:
    dns = Dns(silent=True)
    dns.there = False

    assert await message_check.check(job(signed()), dns, ["mx.test"]) is None


async def test_a_domain_that_is_silent_is_an_error_of_that_domain_alone() -> None:
    found = (await checked(job(signed()), Dns(silent=True))).authentication

    assert found.spf
    assert found.dmarc
    assert {found.spf.result, found.dmarc.result, *(each.result for each in found.dkim)} == {"temperror"}
