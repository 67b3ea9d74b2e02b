"""The verdict on a message: what its domains' records, its signatures and its header section say of its sender."""

from typing import Literal

import msgspec

Status = Literal["pending", "checked", "not_checked"]
NotChecked = Literal["off", "mailbox", "no_resolver", "busy", "unfinished"]
# RFC 8601 §2.7; `unsubscribe` and `tls` have `none`, `pass` and `fail` of these.
Outcome = Literal["none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror"]
Policy = Literal["none", "quarantine", "reject"]
HeaderFault = Literal[
    "line_too_long",
    "missing_field",
    "repeated_field",
    "bad_field_name",
    "not_ascii",
    "bad_line_end",
    "bad_address",
    "bad_date",
    "bad_message_id",
    "forged_results",
    "too_many_signatures",
]

# A check that has not ended so long after the message was stored never ends: its process was killed, for example.
PENDING_SECONDS = 30


class DnsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A DNS record that a result rests on; its value has 512 characters at most."""

    name: str
    type: str
    value: str


class MethodResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one method, why it came out so, and the records that it rests on.

    `domain` is the domain that the method is about, and null without one.
    """

    result: Outcome
    reason: str
    domain: str | None = None
    records: tuple[DnsRecord, ...] = ()


class SignatureResult(MethodResult, frozen=True, kw_only=True):
    """The result of one DKIM signature (RFC 6376)."""

    selector: str | None = None
    algorithm: str | None = None


class DmarcResult(MethodResult, frozen=True, kw_only=True):
    """The result of DMARC (RFC 9989); `policy` is what the domain asks receivers to do with mail that fails."""

    policy: Policy | None = None
    organizational_domain: str | None = None


class HeaderFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Syntax in the header section or the lines of a message that makes other servers refuse or distrust it."""

    fault: HeaderFault
    reason: str


class Authentication(msgspec.Struct, frozen=True, kw_only=True):
    """The checks of a message; while `status` is not `checked`, there are no results.

    `reason` says why a message is `not_checked`.
    """

    status: Status
    reason: NotChecked | None = None
    spf: MethodResult | None = None
    dkim: tuple[SignatureResult, ...] = ()
    arc: MethodResult | None = None
    dmarc: DmarcResult | None = None
    tls: MethodResult | None = None
    reverse_dns: MethodResult | None = None
    unsubscribe: MethodResult | None = None
    header: tuple[HeaderFinding, ...] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A check as it is stored: the results, and the value of our field Authentication-Results (RFC 8601)."""

    authentication: Authentication
    results_field: str = ""


def not_checked(reason: NotChecked) -> Authentication:
    """The results of a message that is not checked, for this reason."""
    return Authentication(status="not_checked", reason=reason)
