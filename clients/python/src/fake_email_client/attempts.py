"""The structs of attempts to deliver to a mailbox, stored or not. Pure."""

from datetime import datetime

import msgspec


class RefusedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to deliver that was refused, deferred or cut; `reply` is null if the client left before one.

    `message_id`: it was a duplicate of this message, which the mailbox had already.
    """

    stage: str
    reply: str | None
    attempted_at: datetime
    message_id: str | None = None


class Seconds(msgspec.Struct, frozen=True, kw_only=True):
    """The time that each stage of an attempt took."""

    rcpt: float
    data: float
    commit: float


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to deliver, stored or not; `reply` is null if the client left before one.

    `duplicate`: the mailbox had the same bytes already, as the message `message_id`.
    """

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
    duplicate: bool = False


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
