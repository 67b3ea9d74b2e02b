"""A parsed message, as values alone: http-api loads them without the parser, which only smtp-ingest needs."""

import datetime
from typing import Literal

import msgspec

from fake_email.mime.addresses import Address as Address  # noqa: PLC0414  # part of the values here
from fake_email.mime.transfer_encoding import Mechanism

CodeSource = Literal["subject", "text", "html"]
LinkKind = Literal["verify", "reset", "login", "unsubscribe", "other"]


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A code as a person would type it, the confidence that it is a code (up to 1), and the line that shows it.

    Separators between digits are left out: `123 456`, `123-456` and a box for each digit give `123456`. So is a
    sender's prefix before digits, one letter or Facebook's two: forms that ask for `G-123456` take the digits alone.
    Any other hyphen is typed: `AB12-CD34` stays.
    """

    value: str
    confidence: float
    evidence: str
    source: CodeSource


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link to the web, or to an address for unsubscribing: its URL, its text and its kind.

    `target` is the URL inside of a URL that a service wrapped to check or count clicks, where it is readable there.
    """

    url: str
    text: str
    kind: LinkKind
    target: str | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One part that is not, or not only, the text: its size in octets after decoding, and its IMAP section.

    `inline`: the message shows it within its text, rather than as a file beside it.
    """

    name: str
    type: str
    size: int
    content_id: str | None
    part: str
    inline: bool = False


class LocatedAttachment(Attachment, frozen=True, kw_only=True):
    """An attachment, and the offsets of its encoded octets in the exact content; `start` is None when unknown.

    `location` is its Content-Location (RFC 2557), by which HTML may name it.
    """

    start: int | None = None
    end: int = 0
    encoding: Mechanism = ""
    location: str | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed fields that lists show unchanged; strings can be stored as UTF-8, and `date_header` is UTC.

    The addresses of a message that a release before stored are None. `links_omitted` and `attachments_omitted` count
    what is left out of the lists, which have at most so many bytes as JSON.
    """

    subject: str
    from_header: str
    from_address: str
    from_addresses: tuple[Address, ...] | None
    to_addresses: tuple[Address, ...] | None
    cc_addresses: tuple[Address, ...] | None
    reply_to_addresses: tuple[Address, ...] | None
    date_header: datetime.datetime | None
    codes: tuple[Code, ...]
    links: tuple[Link, ...]
    links_omitted: int
    attachments_omitted: int


class ParsedMessage(Shown, frozen=True, kw_only=True):
    """A parsed message; each field is a column of the table `message`.

    `remote_images` counts the images from other hosts that the HTML shows.
    """

    text: str
    html: str | None
    attachments: tuple[LocatedAttachment, ...]
    remote_images: int = 0
