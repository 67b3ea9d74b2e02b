"""DMARC (RFC 9989): whether a domain that passed SPF or DKIM is that of From, and what its owner asks for. Pure."""

from collections.abc import Sequence

from fake_email.authentication import DmarcResult, MethodResult, Outcome, Policy, SignatureResult
from smtp_ingest.authentication import tree_walk
from smtp_ingest.authentication.questions import Answer, Answers, Question, printable, question, shown
from smtp_ingest.authentication.tree_walk import PolicyRecord, Walk

_REASON_CHARACTERS = 300
_MILDER: dict[Policy, Policy] = {"reject": "quarantine", "quarantine": "none", "none": "none"}


def questions(answers: Answers, domain: str, spf: MethodResult, dkim: Sequence[SignatureResult]) -> list[Question]:
    """The questions whose answers `check` still needs."""
    wanted = tree_walk.questions(domain)
    if all(each in answers for each in wanted):
        record = tree_walk.walk(answers, domain).record
        if record is None:
            return []
        for each in _passed(spf, dkim):
            wanted += tree_walk.questions(each)
        if record.missing_subdomain_policy and record.domain != domain:
            wanted += _existence(domain)
    return [each for each in dict.fromkeys(wanted) if each not in answers]


def check(answers: Answers, domains: Sequence[str], spf: MethodResult, dkim: Sequence[SignatureResult]) -> DmarcResult:
    """The result for mail from the domain in From, after SPF and DKIM."""
    if len(domains) != 1:
        reason = "From has addresses of several domains" if domains else "From has no address with a domain"
        return DmarcResult(result="permerror", reason=reason)
    [domain] = domains
    walk = tree_walk.walk(answers, domain)
    shown_domain = printable(domain)[:255]
    if walk.failure:
        return DmarcResult(result="temperror", reason=printable(walk.failure)[:_REASON_CHARACTERS], domain=shown_domain)
    record = walk.record
    if record is None:
        return DmarcResult(
            result="none",
            reason=f"{shown_domain} has no DMARC record",
            domain=shown_domain,
            organizational_domain=walk.organizational_domain,
        )
    policy = _policy(answers, domain, record)
    aligned = [
        *(
            ["SPF"]
            if spf.result == "pass" and _is_aligned(answers, walk, domain, spf.domain, record.is_spf_strict)
            else []
        ),
        *(
            f"DKIM by {each.domain}"
            for each in dkim
            if each.result == "pass" and _is_aligned(answers, walk, domain, each.domain, record.is_dkim_strict)
        ),
    ]
    result: Outcome
    if aligned:
        result, reason = "pass", f"{shown_domain} is confirmed by {' and '.join(dict.fromkeys(aligned))}"
    elif spf.result == "temperror" or any(each.result == "temperror" for each in dkim):
        result, reason = "temperror", "no result confirms the domain, and one could not be had"
    else:
        result, reason = "fail", f"neither SPF nor DKIM confirms {shown_domain}, whose owner asks for p={policy}"
    return DmarcResult(
        result=result,
        reason=printable(reason)[:_REASON_CHARACTERS],
        domain=shown_domain,
        records=shown(answers, [question(f"_dmarc.{record.domain}", "TXT")], "v=dmarc1"),
        policy=policy,
        organizational_domain=printable(walk.organizational_domain)[:255],
    )


def _passed(spf: MethodResult, dkim: Sequence[SignatureResult]) -> list[str]:
    return [each.domain for each in (spf, *dkim) if each.result == "pass" and each.domain]


def _is_aligned(answers: Answers, walk: Walk, domain: str, passed: str | None, is_strict: bool) -> bool:
    """True when the domain that passed is the domain in From, or, unless strict, of the same organization."""
    if not passed or passed == domain or is_strict:
        return passed == domain
    other = tree_walk.walk(answers, passed)
    return not other.failure and other.organizational_domain == walk.organizational_domain


def _policy(answers: Answers, domain: str, record: PolicyRecord) -> Policy:
    policy = record.policy
    if record.domain != domain:
        policy = record.subdomain_policy or policy
        if record.missing_subdomain_policy and _is_missing(answers, domain):
            policy = record.missing_subdomain_policy
    return _MILDER[policy] if record.is_testing else policy


def _existence(domain: str) -> list[Question]:
    return [question(domain, "A"), question(domain, "AAAA"), question(domain, "MX")]


def _is_missing(answers: Answers, domain: str) -> bool:
    """True when nobody could answer mail from this domain, or fetch anything from it (RFC 9989 §3.2.13)."""
    found = [answers.get(each, Answer(failure="unknown")) for each in _existence(domain)]
    return not any(each.values or each.failure for each in found)
