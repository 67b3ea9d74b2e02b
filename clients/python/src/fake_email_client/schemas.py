"""The structs of the API's responses. Fields that a newer API adds are ignored. Pure."""

from datetime import datetime

import msgspec

from fake_email_client.attempts import RefusedAttempt
from fake_email_client.authentication import Authentication

# The link that a test most probably wants, first.
LINK_KINDS = ("verify", "reset", "login", "other", "unsubscribe")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    address: str


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    type: str
    size: int
    part: str
    content_id: str | None
    inline: bool = False


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A code in a message; of the codes with a `confidence` of 0.9, nine in ten are right."""

    value: str
    confidence: float
    evidence: str
    source: str


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link; `target` is where a link that counts clicks leads to, if the URL itself says that."""

    url: str
    text: str
    kind: str
    target: str | None = None


class SomeMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that every form of a message has."""

    id: str
    seq: int
    subject: str
    from_addr: str
    to_addr: str
    from_header: str
    from_: tuple[Address, ...] = msgspec.field(name="from")
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    date: datetime | None
    received_at: datetime
    has_html: bool
    codes: tuple[Code, ...]
    links: tuple[Link, ...]
    links_omitted: int
    attachments: tuple[Attachment, ...]
    attachments_omitted: int
    seen: bool
    octets: int

    @property
    def code(self) -> str | None:
        """The most probable code."""
        return self.codes[0].value if self.codes else None

    @property
    def link(self) -> str | None:
        """The URL that a test most probably wants: of a link to verify, else to reset, to log in, or another one."""
        return next(filter(None, map(self.link_of, LINK_KINDS)), None)

    def link_of(self, kind: str) -> str | None:
        """The URL of the first link of this kind."""
        return next((each.url for each in self.links if each.kind == kind), None)


class SummarizedMessage(SomeMessage, frozen=True, kw_only=True):
    """A message of a list: the first characters of its text as `preview`."""

    preview: str


class ListedMessage(SomeMessage, frozen=True, kw_only=True):
    """A message of a stream, whose `body_text` ends after 64 KiB; `temp_email_addr` is the address of its mailbox."""

    temp_email_addr: str = ""
    body_text: str
    truncated: bool
    reverse_path: str


class HeaderField(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    value: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The SMTP transaction that brought a message."""

    reverse_path: str
    recipient: str
    client_address: str
    host_name: str
    protocol: str


class Message(ListedMessage, frozen=True, kw_only=True):
    """A whole message; `html` is as the sender wrote it. An older API checks no sender."""

    headers: tuple[HeaderField, ...]
    text: str
    html: str | None
    envelope: Envelope
    tls: str | None
    remote_images: int | None = None
    authentication: Authentication = Authentication(status="not_checked")


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """A message that did not match, and the clauses that it failed."""

    id: str
    seq: int
    subject: str
    from_addr: str
    received_at: datetime
    failed: tuple[str, ...]


class MessageList(msgspec.Struct, frozen=True, kw_only=True):
    messages: tuple[SummarizedMessage, ...]
    next_cursor: str | None


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    messages: int
    octets: int


class MailboxInfo(msgspec.Struct, frozen=True, kw_only=True):
    temp_email_addr: str
    private: bool
    created_at: datetime
    expires_at: datetime
    message_count: int
    unseen_count: int
    stored_octets: int
    quota: Quota
    last_seq: int
    last_received_at: datetime | None
    changes: int


class TemporaryAddress(msgspec.Struct, frozen=True, kw_only=True):
    temp_email_addr: str
    expires_at: datetime
    token: str | None = None


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    ticket: str
    expires_at: datetime


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """The event of a mailbox that has expired or was deleted."""

    temp_email_addr: str


class SmtpServer(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    port: int


class DomainList(msgspec.Struct, frozen=True, kw_only=True):
    """The domains of addresses, and the SMTP server that takes mail for them."""

    domains: tuple[str, ...]
    default: str
    smtp: SmtpServer


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    changed: int


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    deleted: int


class NoMatch(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an error response: of `no_match` with the near misses, of all others without them."""

    title: str = ""
    status: int = 0
    detail: str = ""
    code: str = ""
    error: str = ""
    field: str | None = None
    matched: int = 0
    near_misses: tuple[NearMiss, ...] = ()
    refused: tuple[RefusedAttempt, ...] = ()
