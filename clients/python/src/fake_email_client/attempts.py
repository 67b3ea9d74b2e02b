"""The structs of attempts to deliver to a mailbox, stored or not. Pure."""

from datetime import datetime

import msgspec


class RefusedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to deliver that was refused, deferred or cut; `reply` is null if the client left before one."""

    stage: str
    reply: str | None
    attempted_at: datetime


class Seconds(msgspec.Struct, frozen=True, kw_only=True):
    """The time that each stage of an attempt took."""

    rcpt: float
    data: float
    commit: float


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to deliver, stored or not; `reply` is null if the client left before one."""

    attempted_at: datetime
    stage: str
    reply: str | None
    message_id: str | None
    sender_domain: str
    client_addr: str | None
    client_host: str | None
    tls: str | None
    declared_octets: int | None
    octets: int
    seconds: Seconds | None


class EarlyAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt for the address before the mailbox was there."""

    attempted_at: datetime
    reply: str


class OlderAttempts(msgspec.Struct, frozen=True, kw_only=True):
    """The number of further attempts with this reply."""

    reply: str | None
    number: int


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts to deliver to a mailbox, oldest first."""

    temp_email_addr: str
    before: tuple[EarlyAttempt, ...]
    attempts: tuple[DeliveryAttempt, ...]
    others: tuple[OlderAttempts, ...]
