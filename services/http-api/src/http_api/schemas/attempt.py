"""The public shape of an attempt to deliver mail, in a timeline and in the events of a stream."""

import msgspec

from fake_email.storage.attempts import FailedAttempt, KnownAttempt
from http_api.protocol.parameters import rfc3339


class Seconds(msgspec.Struct, frozen=True, kw_only=True):
    """The seconds that each stage of an attempt took."""

    rcpt: float
    data: float
    commit: float


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to deliver a message to the mailbox; `client_addr` and `client_host` are null in an open mailbox."""

    attempted_at: str
    stage: str
    reply: str | None
    message_id: str | None
    duplicate: bool
    sender_domain: str
    client_addr: str | None
    client_host: str | None
    tls: str | None
    declared_octets: int | None
    octets: int
    seconds: Seconds | None


class RefusedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to deliver that was not stored; `message_id` is null unless it was a duplicate of that message."""

    attempted_at: str
    stage: str
    reply: str | None
    message_id: str | None


ATTEMPT_EXAMPLE = DeliveryAttempt(
    attempted_at="2026-01-31T12:02:11.402183Z",
    stage="commit",
    reply="250 2.6.0 Message stored",
    message_id="019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11",
    duplicate=False,
    sender_domain="shop.example.com",
    client_addr="192.0.2.25",
    client_host="mail.shop.example.com",
    tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
    declared_octets=48_213,
    octets=48_213,
    seconds=Seconds(rcpt=0.012, data=0.231, commit=0.002),
)


def refused_attempt(attempt: FailedAttempt) -> RefusedAttempt:
    """`attempt` in the form for readers of the mailbox."""
    return RefusedAttempt(
        attempted_at=rfc3339(attempt.attempted_at),
        stage=attempt.stage,
        reply=attempt.reply,
        message_id=str(attempt.message_id) if attempt.message_id else None,
    )


def delivery_attempt(attempt: KnownAttempt, *, is_private: bool) -> DeliveryAttempt:
    """`attempt` in the form for readers of the mailbox."""
    transfer = attempt.transfer
    return DeliveryAttempt(
        attempted_at=rfc3339(attempt.attempted_at),
        stage=attempt.stage,
        reply=attempt.reply,
        message_id=str(attempt.message_id) if attempt.message_id else None,
        duplicate=attempt.is_duplicate,
        sender_domain=attempt.sender_domain,
        client_addr=attempt.client_address if is_private else None,
        client_host=attempt.host_name if is_private else None,
        tls=attempt.tls or None,
        declared_octets=(transfer.declared_octets or None) if transfer else None,
        octets=attempt.octets,
        seconds=Seconds(rcpt=transfer.rcpt, data=transfer.data, commit=transfer.commit) if transfer else None,
    )
