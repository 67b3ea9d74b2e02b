"""A message before its commit: its content, what was parsed from it, its mailboxes, and how it came."""

import secrets
import time
import uuid

import msgspec

from fake_email.authentication import NotChecked
from fake_email.parsed_message import ParsedMessage


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The client that sent a message, and the protocol (RFC 5321 §4.4); db/migrations describes each column."""

    client_address: str
    host_name: str
    protocol: str
    tls: str


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """The transfer of a message: the size that MAIL declared, 0 without one, and the seconds of each stage.

    `rcpt` is from MAIL to the content, `data` to the end of the content, `commit` from there to the reply, or, for a
    message that was stored, to the moment in which it was handed to Postgres.
    """

    declared_octets: int
    rcpt: float
    data: float
    commit: float


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient of a message: the id that the message will have there, the mailbox, and RCPT's argument as given.

    `drops`: a full mailbox drops its oldest messages for it.
    """

    id: uuid.UUID
    mailbox_id: int
    recipient: str
    drops: bool


class IncomingMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message before its commit; `content` has the exact octets received, and is empty when they are staged.

    `check_skipped` says why no check of its sender follows the commit.
    """

    reverse_path: str
    content: bytes
    staged_id: uuid.UUID | None
    octets: int
    content_sha256: bytes
    parsed: ParsedMessage
    deliveries: tuple[Delivery, ...]
    trace: Trace
    transfer: Transfer | None = None
    check_skipped: NotChecked | None = None


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562 §5.7), so that ids of the same time are neighbours in the index."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1)
