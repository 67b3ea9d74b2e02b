"""What is found in a message, as values; apart from what finds it, which only smtp-ingest needs to load."""

import datetime
from typing import Literal

import msgspec

from fake_email.mime.transfer_encoding import Mechanism

CodeSource = Literal["subject", "text", "html"]
LinkKind = Literal["verify", "reset", "login", "unsubscribe", "other"]


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A code as a person would type it, how sure it is that it is one (up to 1), and the line that shows it.

    What only sets characters apart is left out: `123 456`, `123-456` and a box for each digit give `123456`. So is
    the prefix that a sender puts before digits, one letter or Facebook's two: the forms that ask for `G-123456`
    take its digits. Any other hyphen is typed: `AB12-CD34` stays.
    """

    value: str
    confidence: float
    evidence: str
    source: CodeSource


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link to the web, or to an address that takes one off a list: its text, and what it is for."""

    url: str
    text: str
    kind: LinkKind


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One part that is not, or not only, the text: its size is in octets after decoding, its place an IMAP section."""

    name: str
    type: str
    size: int
    content_id: str | None
    part: str


class LocatedAttachment(Attachment, frozen=True, kw_only=True):
    """An attachment, and where in the exact content its octets stand, encoded; `start` None: to be looked for there."""

    start: int | None = None
    end: int = 0
    encoding: Mechanism = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The findings that lists show as they are stored; every string can be stored as UTF-8, `date_header` is UTC."""

    subject: str
    from_header: str
    from_address: str
    date_header: datetime.datetime | None
    codes: tuple[Code, ...]
    links: tuple[Link, ...]


class ParsedMessage(Shown, frozen=True, kw_only=True):
    """All findings in a message; each field is a column of the table `message`."""

    text: str
    html: str | None
    attachments: tuple[LocatedAttachment, ...]
