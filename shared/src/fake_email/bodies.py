"""The text and the HTML of a message, from the parts that are text."""

import re
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from fake_email.html import anchors
from fake_email.html import text as html_text
from fake_email.mime import calendar, enriched, flowed, rtf, rtf_compression, transfer_encoding
from fake_email.mime import charset as mime_charset
from fake_email.mime.parts import Leaf

TEXT_CHARACTERS = 1024 * 1024  # of text, and of html
TEXT_OCTETS = 4 * TEXT_CHARACTERS  # of one part: no charset takes more for a character
CALENDAR = "text/calendar"
RTF = frozenset({"application/rtf", "text/rtf", "application/x-rtf"})
# Parts that are text for programs: of a delivery report (RFC 3464), a feedback report (RFC 5965), an invitation.
SUBSTITUTES = frozenset(
    {
        CALENDAR,
        "application/ics",
        "message/delivery-status",
        "message/global-delivery-status",
        "message/disposition-notification",
        "message/global-disposition-notification",
        "message/feedback-report",
        "text/rfc822-headers",
    }
)

_META_CHARSET = re.compile(rb"<meta\s[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_META_OCTETS = 4096
_XML_CHARSET = re.compile(rb"\s*+<\?xml\s[^<>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})")


class Bodies(msgspec.Struct, frozen=True):
    """The text, the HTML, and the HTML that is not in the text because a plain alternative is.

    `link_tags` are those of all links of the HTML, for `anchors`, where rendering it has found them.
    """

    text: str
    html: str | None
    unread: str
    link_tags: Sequence[anchors.Tag] | None = None


def read(
    leaves: list[tuple[Leaf, bytes]],
    substitute: tuple[Leaf, bytes] | None,
    is_over: Callable[[], bool] = lambda: False,
) -> Bodies:
    """The Bodies of these leaves, each with its content; a message without text has that of the `substitute`.

    When the time `is_over`, no further leaf is read, and the text of HTML ends where reading is.
    """
    decoded: list[tuple[Leaf, str]] = []
    plain_offered: set[str] = set()
    left = {True: TEXT_CHARACTERS, False: TEXT_CHARACTERS}
    for leaf, content in leaves:
        if decoded and is_over():
            break
        is_html = leaf.type == "text/html"
        if left[is_html] > 0:
            text = _text(leaf, content, left[is_html])
            left[is_html] -= len(text)
            decoded.append((leaf, text))
            if leaf.alternative is not None and not is_html and text.strip():
                plain_offered.add(leaf.alternative)
    documents = [text for leaf, text in decoded if leaf.type == "text/html"]
    link_tags: Sequence[anchors.Tag] | None = None
    pieces: list[str] = []
    for leaf, text in decoded:
        if leaf.type != "text/html":
            pieces.append(text)
        elif leaf.alternative not in plain_offered:
            rendered = html_text.read(text.lstrip("\n"), is_over)
            pieces.append(rendered.text)
            link_tags = rendered.link_tags if len(documents) == 1 else None
    unread = [text for leaf, text in decoded if leaf.type == "text/html" and leaf.alternative in plain_offered]
    text = _join([piece for piece in pieces if piece.strip()])
    if substitute and not text.strip():
        if substitute[0].is_substitute or substitute[0].type in RTF:
            return read([_without_rtf(*substitute, is_over)], None, is_over)
        text = _substituted(*substitute)
    return Bodies(text, _join(documents) if documents else None, _join(unread), link_tags)


def _substituted(leaf: Leaf, content: bytes) -> str:
    text = _text(leaf, content, TEXT_CHARACTERS)
    return calendar.summary(text) if leaf.type in {CALENDAR, "application/ics"} else _join([text])


def _without_rtf(leaf: Leaf, content: bytes, is_over: Callable[[], bool]) -> tuple[Leaf, bytes]:
    """The leaf with its content; where it is RTF, with the text or the HTML in it."""
    if leaf.type not in RTF:
        return leaf, content
    octets = leaf.beginning(content, TEXT_OCTETS)
    document = rtf.read(rtf_compression.read(octets) if leaf.is_substitute else octets, is_over)
    text = document.text.encode()
    return replace(leaf, type=document.type, charset="utf-8", encoding=b"", start=0, end=len(text)), text


def _join(pieces: list[str]) -> str:
    return "\n\n".join(piece.strip("\n") for piece in pieces)[:TEXT_CHARACTERS]


def _text(leaf: Leaf, content: bytes, characters: int) -> str:
    octets = _without_files(leaf, content) if leaf.cuts else _octets(leaf, content)
    label = leaf.charset
    if not label and leaf.type == "text/html":
        declared = _META_CHARSET.search(octets, 0, _META_OCTETS) or _XML_CHARSET.match(octets)
        label = declared[1].decode("ascii", "replace") if declared else ""
    text = mime_charset.beginning(octets, label, characters)[:characters]
    if leaf.type in enriched.TYPES:
        return enriched.text(text)
    return flowed.join(text, is_delsp=leaf.is_delsp) if leaf.is_flowed and leaf.type != "text/html" else text


def _octets(leaf: Leaf, content: bytes) -> bytes:
    encoding = b"" if transfer_encoding.is_plain(content, leaf.start, leaf.end, leaf.encoding) else leaf.encoding
    return transfer_encoding.beginning(content, leaf.start, leaf.end, encoding, TEXT_OCTETS)


def _without_files(leaf: Leaf, content: bytes) -> bytes:
    """The text around the files within it."""
    starts = [leaf.start, *(end for _, end in leaf.cuts)]
    ends = [*(start for start, _ in leaf.cuts), leaf.end]
    pieces = [content[start : min(end, start + TEXT_OCTETS)] for start, end in zip(starts, ends, strict=True)]
    return b"".join(pieces)[:TEXT_OCTETS]
