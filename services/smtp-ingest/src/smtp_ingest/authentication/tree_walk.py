"""The tree walk of DMARC (RFC 9989 §4.10): a domain's policy record, and its organizational domain. Pure."""

import re
from typing import Literal

import msgspec

from fake_email.authentication import Policy
from smtp_ingest.authentication.questions import Answers, Question, is_askable, question

_MOST_LABELS = 7
_POLICIES: dict[str, Policy] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}
_VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(?:;|\Z)")


class PolicyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A DMARC record, and the domain that has it."""

    domain: str
    policy: Policy
    subdomain_policy: Policy | None
    missing_subdomain_policy: Policy | None
    is_spf_strict: bool
    is_dkim_strict: bool
    is_testing: bool
    psd: Literal["y", "n", "u"]


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a walk; `failure` says why it cannot be known."""

    organizational_domain: str
    record: PolicyRecord | None = None
    failure: str = ""


def names(domain: str) -> list[str]:
    """The names below which the walk looks, from the domain up to the top."""
    labels = domain.split(".")
    above = labels[1:] if len(labels) <= _MOST_LABELS else labels[-_MOST_LABELS:]
    return [domain, *(".".join(above[start:]) for start in range(len(above)))]


def questions(domain: str) -> list[Question]:
    """The questions of the walk."""
    return [question(f"_dmarc.{name}", "TXT") for name in names(domain) if is_askable(f"_dmarc.{name}")]


def walk(answers: Answers, domain: str) -> Walk:
    """The organizational domain, and the record that holds for mail from `domain`."""
    found: dict[str, PolicyRecord] = {}
    below = domain
    for name in names(domain):
        asked = question(f"_dmarc.{name}", "TXT")
        answer = answers.get(asked)
        if answer is None or answer.failure:
            if answer is None and not is_askable(asked.name):
                continue
            return Walk(
                organizational_domain=domain, failure=f"{asked.name}: {answer.failure if answer else 'unknown'}"
            )
        record = _only_record(name, answer.values)
        if record:
            found[name] = record
            if record.psd == "y" and name != domain:
                return Walk(organizational_domain=below, record=found.get(domain) or found.get(below) or record)
            if record.psd != "u":
                return Walk(organizational_domain=name, record=found.get(domain) or record)
        below = name
    organizational_domain = [domain, *found][-1]
    return Walk(
        organizational_domain=organizational_domain, record=found.get(domain) or found.get(organizational_domain)
    )


def _only_record(domain: str, values: tuple[str, ...]) -> PolicyRecord | None:
    """The DMARC record among these TXT records; None when there are several, or none (RFC 9989)."""
    records = [each for each in values if _VERSION.match(each)]
    return _read(domain, records[0]) if len(records) == 1 else None


def _read(domain: str, text: str) -> PolicyRecord | None:
    tags: dict[str, str] = {}
    for part in text.split(";")[1:]:
        name, separator, value = part.partition("=")
        if separator:
            tags.setdefault(name.strip().lower(), value.strip().lower())
    policy = _POLICIES.get(tags.get("p", ""))
    if policy is None:
        # RFC 9989 §4.7: without a valid p, the record counts as p=none if it asks for reports.
        if not tags.get("rua"):
            return None
        policy = "none"
    psd = tags.get("psd", "u")
    return PolicyRecord(
        domain=domain,
        policy=policy,
        subdomain_policy=_POLICIES.get(tags.get("sp", "")),
        missing_subdomain_policy=_POLICIES.get(tags.get("np", "")),
        is_spf_strict=tags.get("aspf") == "s",
        is_dkim_strict=tags.get("adkim") == "s",
        is_testing=tags.get("t") == "y",
        psd="y" if psd == "y" else "n" if psd == "n" else "u",
    )
