"""The structs of the check of a message's sender. Pure."""

import msgspec


class DnsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A DNS record that a result rests on."""

    name: str
    type: str
    value: str


class MethodResult(msgspec.Struct, frozen=True, kw_only=True):
    """A result in the words of RFC 8601, as `pass` and `fail`, and why."""

    result: str
    reason: str
    domain: str | None = None
    records: tuple[DnsRecord, ...] = ()


class SignatureResult(MethodResult, frozen=True, kw_only=True):
    """The result of one DKIM signature."""

    selector: str | None = None
    algorithm: str | None = None


class DmarcResult(MethodResult, frozen=True, kw_only=True):
    """The result of DMARC; `policy` is what the domain asks receivers to do with mail that fails."""

    policy: str | None = None
    organizational_domain: str | None = None


class HeaderFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Syntax that makes other servers refuse or distrust a message."""

    fault: str
    reason: str


class Authentication(msgspec.Struct, frozen=True, kw_only=True):
    """The check of a message's sender; `status` is `pending`, `checked` or `not_checked`, for this `reason`."""

    status: str
    reason: str | None = None
    spf: MethodResult | None = None
    dkim: tuple[SignatureResult, ...] = ()
    arc: MethodResult | None = None
    dmarc: DmarcResult | None = None
    tls: MethodResult | None = None
    reverse_dns: MethodResult | None = None
    unsubscribe: MethodResult | None = None
    header: tuple[HeaderFinding, ...] = ()
