"""The public shape of a message in a list that has no texts."""

import msgspec

from fake_email.parsed_message import Address, Attachment, Code, Link
from fake_email.storage.many_messages import Summary
from http_api.schemas.message import LISTED_EXAMPLE, public
from http_api.schemas.preview import preview


class SummarizedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message without its text; `preview` is the start of the text, up to 200 characters on one line."""

    id: str
    seq: int
    from_addr: str
    to_addr: str
    subject: str
    preview: str
    received_at: str
    from_header: str
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


SUMMARIZED_EXAMPLE = SummarizedMessage(
    preview="Your code is 123456.",
    **{name: getattr(LISTED_EXAMPLE, name) for name in SummarizedMessage.__struct_fields__ if name != "preview"},
)


def summarized_message(message: Summary) -> SummarizedMessage:
    """`message` under its public names."""
    return msgspec.convert(public(message) | {"preview": preview(message.text_start)}, SummarizedMessage)
