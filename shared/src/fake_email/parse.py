"""Content (RFC 5322, MIME) parsed into the text, the attachments, the codes and the links for a reader."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from fake_email import bodies
from fake_email.findings import codes, links
from fake_email.html import remote_images
from fake_email.mime import enclosed, parts, transfer_encoding
from fake_email.mime import headers as mime_headers
from fake_email.mime import parameters as mime_parameters
from fake_email.mime.parts import Leaf
from fake_email.parsed_message import LocatedAttachment, ParsedMessage

_Item = TypeVar("_Item", bound=msgspec.Struct)

ATTACHMENTS = 1_000
LIST_OCTETS = 256 * 1024  # of the attachments as JSON, and of the links
READING_SECONDS = 2.0  # of CPU time; what is not read by then is left out

_FEW = 6  # items of a list cannot have LIST_OCTETS: the longest is a link with a target, 4096 characters each
_OCTET_STREAM = "application/octet-stream"
_TEXT_TYPES = ("text/plain", "text/html", "")
_MESSAGE_TYPES = ("message/rfc822", "message/global")


def parse(content: bytes, is_over: Callable[[], bool] | None = None) -> ParsedMessage:
    """The message in these octets, in time linear in their number; never raises, whatever the octets are.

    Text over a limit is cut; attachments and links over a limit are left out and counted. Text that does not decode
    has U+FFFD. What is not read when the time `is_over` is left out: by default after READING_SECONDS.
    """
    is_over = is_over or _time_limit()
    exact = content
    content, fields, body = parts.read(exact)
    texts: list[tuple[Leaf, bytes]] = []
    substitute: tuple[Leaf, bytes] | None = None
    files: list[LocatedAttachment] = []
    unlisted = 0
    for leaf, its in enclosed.leaves(content, fields, body):
        if leaf.is_substitute:
            substitute = substitute or (leaf, its)
            continue
        is_alone = leaf.start == body and its is content
        is_text = _is_text(leaf, first=not texts, alone=is_alone)
        if is_text:
            texts.append((leaf, its))
        elif substitute is None and _may_substitute(leaf):
            substitute = leaf, its
        is_attachment = not is_text or leaf.type not in _TEXT_TYPES or (leaf.name and not is_alone)
        if is_attachment and len(files) < ATTACHMENTS:
            files.append(_attachment(leaf, its, is_exact=its is exact))
        elif is_attachment:
            unlisted += 1
        if is_over():
            break
    attachments = _within_limit(files)
    found = bodies.read(texts, substitute, is_over)
    text, html = found.text, found.html
    charset = next((leaf.charset for leaf, _ in texts if leaf.charset), "")
    subject = mime_headers.show(fields.get(b"subject", b""), charset)
    from_field = fields.get(b"from", b"")
    senders = tuple(mime_headers.addresses(from_field, charset))
    found_codes = codes.find(subject, text, html, "" if is_over() else found.unread)
    found_links = links.find(html, text, subject, found.link_tags, is_over, has_code=bool(found_codes))
    listed_links = _within_limit(found_links)
    return ParsedMessage(
        subject=subject,
        from_header=mime_headers.show(from_field, charset),
        from_address=senders[0].address if senders else "",
        from_addresses=senders,
        to_addresses=tuple(mime_headers.addresses(fields.get(b"to", b""), charset)),
        cc_addresses=tuple(mime_headers.addresses(fields.get(b"cc", b""), charset)),
        reply_to_addresses=tuple(mime_headers.addresses(fields.get(b"reply-to", b""), charset)),
        date_header=mime_headers.date(fields.get(b"date", b"")),
        text=text,
        html=html,
        attachments=attachments,
        attachments_omitted=len(files) - len(attachments) + unlisted,
        codes=found_codes,
        links=listed_links,
        links_omitted=len(found_links) - len(listed_links),
        remote_images=remote_images.count(html, _references(attachments)) if html else 0,
    )


def _time_limit() -> Callable[[], bool]:
    """True once this thread has worked for READING_SECONDS."""
    began_at, ends_at = time.monotonic(), time.thread_time() + READING_SECONDS
    # It is asked often, and the CPU time is a system call.
    return lambda: time.monotonic() - began_at >= READING_SECONDS and time.thread_time() >= ends_at


def _references(files: Sequence[LocatedAttachment]) -> set[str]:
    """The names of the files in HTML: a Content-ID, a Content-Location, or the last segment of one (RFC 2557 §5)."""
    names = ((each.content_id, each.location, (each.location or "").rpartition("/")[2]) for each in files)
    return {name for each in names for name in each if name}


def _within_limit(items: Sequence[_Item]) -> tuple[_Item, ...]:
    """The first items, as many as have LIST_OCTETS as JSON."""
    # A list has as many octets as its items have, each with the comma or the bracket behind it, and one bracket more.
    if len(items) <= _FEW or len(msgspec.json.encode(items)) <= LIST_OCTETS + 1:
        return tuple(items)
    left = LIST_OCTETS
    for index, item in enumerate(items):
        left -= len(msgspec.json.encode(item)) + 1
        if left < 0:
            return tuple(items[:index])
    return tuple(items)


def _is_text(leaf: Leaf, *, first: bool, alone: bool) -> bool:
    """True for a part that is text of the message; such a part may be an attachment as well."""
    if leaf.disposition == "attachment":
        return False
    if leaf.type in _TEXT_TYPES[:2]:
        return first or not leaf.name or leaf.disposition == "inline"
    if leaf.type == "":
        return not leaf.name  # RFC 2045 §5.2: a type that cannot be read is text
    return alone and leaf.type.startswith("text/") and leaf.type not in bodies.SUBSTITUTES | bodies.RTF


def _may_substitute(leaf: Leaf) -> bool:
    """True for a part that can be the text of a message without text. RTF can, unless it is an attached document."""
    if leaf.type in bodies.RTF:
        return leaf.disposition != "attachment" and not leaf.name
    return leaf.type in bodies.SUBSTITUTES


def _attachment(leaf: Leaf, content: bytes, *, is_exact: bool) -> LocatedAttachment:
    return LocatedAttachment(
        name=leaf.name or (_message_name(leaf, content) if leaf.type in _MESSAGE_TYPES else ""),
        type=leaf.type or _OCTET_STREAM,
        size=leaf.octet_count(content),
        content_id=leaf.content_id,
        part=leaf.section,
        inline=leaf.disposition == "inline" or (leaf.disposition != "attachment" and leaf.content_id is not None),
        start=leaf.start if is_exact else None,
        end=leaf.end,
        encoding=transfer_encoding.mechanism(leaf.encoding),
        location=leaf.location,
    )


def _message_name(leaf: Leaf, content: bytes) -> str:
    octets = leaf.beginning(content, 2 * mime_headers.SECTION_OCTETS)
    fields, _ = mime_headers.read(octets, 0, len(octets))
    subject = (
        mime_headers.show(fields.get(b"subject", b"")[: mime_parameters.NAME_OCTETS])
        .replace("/", "-")
        .replace("\\", "-")
    )
    return mime_parameters.file_name(f"{subject or 'message'}.eml")
