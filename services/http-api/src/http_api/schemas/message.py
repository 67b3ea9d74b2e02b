"""The public shapes of a message; the field names are a contract with clients."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import asdict

from fake_email.authentication import Authentication
from fake_email.parsed_message import Address, Attachment, Code, Link, Shown
from fake_email.storage.listed import Entry, Listed
from fake_email.storage.message import OpenedMessage
from http_api.protocol import content_disposition
from http_api.protocol.parameters import rfc3339
from http_api.schemas.authentication import AUTHENTICATION_EXAMPLE


class ListedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a list: `body_text` has at most 64 KiB; `truncated` says whether the message has more text.

    The lists `attachments` and `links` have at most 256 KiB each; `attachments_omitted` and `links_omitted` count what
    is left out, which `source` still has. `from`, `to`, `cc` and `reply_to` have at most 100 addresses each.
    """

    id: str
    seq: int
    from_addr: str
    to_addr: str
    subject: str
    body_text: str
    received_at: str
    truncated: bool
    from_header: str
    reverse_path: str
    date: str | None
    has_html: bool
    attachments: tuple[Attachment, ...]
    codes: tuple[Code, ...]
    links: tuple[Link, ...]
    seen: bool
    octets: int
    attachments_omitted: int
    links_omitted: int
    from_: tuple[Address, ...] = msgspec.field(name="from")
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]


class HeaderField(msgspec.Struct, frozen=True, kw_only=True):
    """A header field: its name as written, and at most 16 KiB of its value, unfolded and decoded."""

    name: str
    value: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The SMTP envelope: the addresses of MAIL and RCPT, the client's address, its name in EHLO, the protocol."""

    reverse_path: str
    recipient: str
    client_address: str
    host_name: str
    protocol: str


class WholeMessage(ListedMessage, frozen=True, kw_only=True):
    """A whole message: the fields of a list, and more; `text` and `html` have at most 1,048,576 characters each."""

    temp_email_addr: str
    headers: tuple[HeaderField, ...]
    text: str
    html: str | None
    envelope: Envelope
    tls: str | None
    remote_images: int | None
    authentication: Authentication


LISTED_EXAMPLE = ListedMessage(
    id="019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11",
    seq=2,
    from_addr="hello@example.com",
    to_addr="annq7mfk2xd@mail.example.org",
    subject="123456 is your code",
    body_text="Your code is 123456.",
    received_at="2026-01-31T12:07:31.118043Z",
    truncated=False,
    from_header="Example <hello@example.com>",
    reverse_path="bounces@example.com",
    date="2026-01-31T12:07:29.000000Z",
    has_html=True,
    attachments=(Attachment(name="terms.pdf", type="application/pdf", size=48_112, content_id=None, part="2"),),
    codes=(Code(value="123456", confidence=0.98, evidence="Your code is 123456.", source="text"),),
    links=(Link(url="https://example.com/verify?t=Qm9w", text="Confirm your address", kind="verify"),),
    seen=False,
    octets=66_051,
    attachments_omitted=0,
    links_omitted=0,
    from_=(Address(name="Example", address="hello@example.com"),),
    to=(Address(name="", address="annq7mfk2xd@mail.example.org"),),
    cc=(),
    reply_to=(),
)


WHOLE_EXAMPLE = WholeMessage(
    **asdict(LISTED_EXAMPLE),
    temp_email_addr="annq7mfk2xd@mail.example.org",
    headers=(
        HeaderField(name="From", value="Example <hello@example.com>"),
        HeaderField(name="To", value="annq7mfk2xd@mail.example.org"),
        HeaderField(name="Subject", value="123456 is your code"),
    ),
    text="Your code is 123456.",
    html="<p>Your code is <b>123456</b>.</p>",
    envelope=Envelope(
        reverse_path="bounces@example.com",
        recipient="annq7mfk2xd@mail.example.org",
        client_address="192.0.2.1",
        host_name="mta.example.com",
        protocol="ESMTPS",
    ),
    tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
    remote_images=0,
    authentication=AUTHENTICATION_EXAMPLE,
)


def shown_attachments(attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """The attachments, each with a name."""
    return tuple(
        each if each.name else msgspec.structs.replace(each, name=content_disposition.default_name(number, each.type))
        for number, each in enumerate(attachments, 1)
    )


def people(message: Shown) -> dict[str, tuple[Address, ...]]:
    """The addresses of the message by the public name of their field."""
    return {
        "from": _senders(message) if message.from_addresses is None else message.from_addresses,
        "to": message.to_addresses or (),
        "cc": message.cc_addresses or (),
        "reply_to": message.reply_to_addresses or (),
    }


def public(message: Entry) -> dict[str, object]:
    """The members that every list has, by their public names; `from_addr` is the address in From, or the reverse-path.

    A list has them in its own order, so that its struct repeats their names.
    """
    return asdict(message) | {
        "id": str(message.id),
        "from_addr": message.from_address or message.reverse_path,
        "to_addr": message.recipient,
        "received_at": rfc3339(message.received_at),
        "date": rfc3339(message.date_header) if message.date_header else None,
        "attachments": shown_attachments(message.attachments),
        **people(message),
    }


def listed_message(message: Listed) -> ListedMessage:
    """`message` under its public names."""
    return msgspec.convert(public(message) | {"body_text": message.text, "truncated": message.is_cut}, ListedMessage)


def _senders(message: Shown) -> tuple[Address, ...]:
    """The sender in From, of a message that a release before stored."""
    if not message.from_address:
        return ()
    return (Address(name=message.from_header.partition("<")[0].strip(' "'), address=message.from_address),)


def whole_message(found: OpenedMessage) -> WholeMessage:
    """The whole message under its public names."""
    listed = found.listed
    return WholeMessage(
        **asdict(listed_message(listed)),
        temp_email_addr=found.address,
        headers=tuple(HeaderField(name=name, value=value) for name, value in found.fields),
        text=found.text,
        html=found.html,
        envelope=Envelope(
            reverse_path=listed.reverse_path,
            recipient=listed.recipient,
            client_address=found.trace.client_address,
            host_name=found.trace.host_name,
            protocol=found.trace.protocol,
        ),
        tls=found.trace.tls or None,
        remote_images=found.remote_images,
        authentication=found.check.authentication(),
    )
