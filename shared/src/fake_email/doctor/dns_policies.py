"""The policies of a domain for other mail servers, in TXT records: SPF, DMARC and TLS reports."""

import asyncio

from fake_email.doctor.dns_lookup import Dns
from fake_email.doctor.finding import Finding, Problem, passed

_FORGED = "The domain sends no mail, so mail in its name is forged. Receivers do not know that."
SPF_MISSING = Problem(
    id="spf_missing", severity="warning", why=_FORGED, mend='add the DNS record `{domain}. TXT "v=spf1 -all"`'
)
SPF_SEVERAL = Problem(
    id="spf_several",
    severity="warning",
    why="More than one record counts as none: receivers report permerror (RFC 7208 §4.5).",
    mend='keep one DNS record `{domain}. TXT "v=spf1 -all"`',
)
SPF_PERMISSIVE = Problem(
    id="spf_permissive",
    severity="warning",
    why="The record lets mail in the name of this domain pass, though the domain sends none.",
    mend='change the DNS record to `{domain}. TXT "v=spf1 -all"`',
)
DMARC_MISSING = Problem(
    id="dmarc_missing",
    severity="warning",
    why=_FORGED,
    mend='add the DNS record `_dmarc.{domain}. TXT "v=DMARC1; p=reject"`',
)
DMARC_SEVERAL = Problem(
    id="dmarc_several",
    severity="warning",
    why="More than one record counts as none (RFC 9989).",
    mend='keep one DNS record `_dmarc.{domain}. TXT "v=DMARC1; p=reject"`',
)
DMARC_PERMISSIVE = Problem(
    id="dmarc_permissive",
    severity="note",
    why="Receivers accept forged mail in the name of this domain.",
    mend='change the DNS record to `_dmarc.{domain}. TXT "v=DMARC1; p=reject"`',
)
TLS_RPT_MISSING = Problem(
    id="tls_rpt_missing",
    severity="note",
    why="Senders that fail to encrypt mail to this domain have nowhere to report it (RFC 8460).",
    mend='add the DNS record `_smtp._tls.{domain}. TXT "v=TLSRPTv1; rua=mailto:YOUR-ADDRESS"`',
)


async def check(dns: Dns, domain: str) -> list[Finding]:
    """Check SPF, DMARC and TLS reports of a domain; raises LookupFailed."""
    texts, reports, dmarc = await asyncio.gather(
        dns.values(domain, "TXT"), dns.values(f"_smtp._tls.{domain}", "TXT"), _dmarc(dns, domain)
    )
    if any(_begins(text, "v=TLSRPTv1") for text in reports):
        tls_reports = passed(f"TLSRPT {domain}", reports[0])
    else:
        tls_reports = TLS_RPT_MISSING.found(f"TLSRPT {domain}", "none", domain=domain)
    return [_spf(texts, domain), dmarc, tls_reports]


def _spf(texts: tuple[str, ...], domain: str) -> Finding:
    about = f"SPF {domain}"
    records = [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]
    if not records:
        return SPF_MISSING.found(about, "none", domain=domain)
    if len(records) > 1:
        return SPF_SEVERAL.found(about, f"{len(records)} records", domain=domain)
    if not {"-all"} & set(records[0].lower().split()) and "redirect=" not in records[0].lower():
        return SPF_PERMISSIVE.found(about, records[0], domain=domain)
    return passed(about, records[0])


async def _dmarc(dns: Dns, domain: str) -> Finding:
    """The finding for the record of the domain, or of its nearest parent that has one (RFC 9989 §4.10)."""
    about, labels = f"DMARC {domain}", domain.split(".")
    for at in (".".join(labels[number:]) for number in range(max(len(labels) - 1, 1))):
        records = [text for text in await dns.values(f"_dmarc.{at}", "TXT") if _begins(text, "v=DMARC1")]
        if len(records) > 1:
            return DMARC_SEVERAL.found(about, f"{len(records)} records at {at}", domain=at)
        if records:
            tags = _tags(records[0])
            policy = tags.get("p", "none") if at == domain else tags.get("sp", tags.get("p", "none"))
            if policy != "reject":
                return DMARC_PERMISSIVE.found(about, records[0], domain=domain)
            return passed(about, records[0])
    return DMARC_MISSING.found(about, "none", domain=domain)


def _begins(text: str, version: str) -> bool:
    return text.partition(";")[0].strip().lower() == version.lower()


def _tags(record: str) -> dict[str, str]:
    pairs = (each.partition("=") for each in record.lower().split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}
