"""A message as lists and the stream show it; the field names are a contract with frontends that exist."""

import msgspec

from fake_email.codes import Code
from fake_email.links import Link
from fake_email.messages import Listed
from fake_email.mime import Attachment
from http_api.parameters import rfc3339


class ListedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message; `body_text` is at most 64 KiB of UTF-8, and `truncated` says whether there is more."""

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


def listed_message(message: Listed) -> ListedMessage:
    """`message` under its public names; who wrote it is in From, and where that says nothing, in the envelope."""
    return ListedMessage(
        id=str(message.id),
        seq=message.seq,
        from_addr=message.from_address or message.reverse_path,
        to_addr=message.recipient,
        subject=message.subject,
        body_text=message.text,
        received_at=rfc3339(message.received_at),
        truncated=message.is_cut,
        from_header=message.from_header,
        reverse_path=message.reverse_path,
        date=rfc3339(message.date_header) if message.date_header else None,
        has_html=message.has_html,
        attachments=message.attachments,
        codes=message.codes,
        links=message.links,
        seen=message.seen,
        octets=message.octets,
    )
