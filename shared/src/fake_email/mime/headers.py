"""The fields of a header section (RFC 5322 §2.2), read leniently, from octets to text for a reader."""

import datetime
import re

from fake_email.mime import addresses as mime_addresses
from fake_email.mime import charset as mime_charset
from fake_email.mime import chunks, dates, transfer_encoding
from fake_email.mime.addresses import Address

SECTION_OCTETS = 256 * 1024  # fields beyond are not read
FIELD_OCTETS = 16 * 1024  # an encoded word takes up to 12 octets a character, and 998 characters are shown
LINE_CHARACTERS = 998  # of one shown field; RFC 5322 §2.1.1: the longest line
_NAME = mime_addresses.NAME_CHARACTERS
_STEP_OCTETS = 8192
_MARK = "\ufeff".encode()  # of UTF-8, which some editors write before the first field

# Names are ASCII (RFC 5322 §2.2); a field whose name is not must not end the section.
_ANY_NAME = rb"[!-9;-~\x80-\xff]++[ \t]*+:"
# A group is atomic, never possessive: Python before 3.11.5 matches `(…)*+` wrongly (gh-106052).
_FIELD_LINES = re.compile(rb"(?>(?:" + _ANY_NAME + rb"[^\n]*+\n?(?>(?:[ \t]++[^\n]*+\n?)*))*)")
_MORE_LINES = re.compile(rb"(?>(?:[ \t]++[^\n]*+\n?)*)" + _FIELD_LINES.pattern)
_FIELD_START = re.compile(_ANY_NAME)
_PARAMETER_LINE = re.compile(rb"[\w*-]++=")
_REPEATED = frozenset({b"to", b"cc"})
_BLANK_LINE = re.compile(rb"\r?\n")
_FIELD = re.compile(
    rb"\n(subject|from|to|cc|reply-to|date|content-(?:type|transfer-encoding|disposition|id|location))[ \t]*:"
    rb"([^\n]*+(?>(?:\n(?!" + _ANY_NAME + rb")[^\n]*+)*))",
    re.IGNORECASE,
)
_ANY_FIELD = re.compile(rb"\n([!-9;-~]++)[ \t]*:([^\n]*+(?>(?:\n(?!" + _ANY_NAME + rb")[^\n]*+)*))")
_MAIL_FIELD = re.compile(
    rb"^(?:subject|from|to|cc|date|received|message-id|mime-version|content-[\w-]+|return-path|reply-to"
    rb"|sender|x-[\w-]+)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_TYPE_FIELD = re.compile(rb"\ncontent-type[ \t]*:[^\n]*+(?:\n[ \t][^\n]*+){0,5}", re.IGNORECASE)
_CHARSET = re.compile(rb"charset=\"?([\w.:-]{1,40})", re.IGNORECASE)
_FOLD = re.compile(rb"[\r\n]+[ \t]*")
_ENCODED_WORD = re.compile(
    rb"=\?[ \t]?([\w.:+-]{1,40})(?:\*[\w-]{0,20})?\?[ \t]?([bq])\?([^?]*+(?:\?(?!=)[^?]*+){0,20})\?=",
    re.IGNORECASE,
)
_NOT_SHOWN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029]+")


def read(content: bytes, start: int, end: int) -> tuple[dict[bytes, bytes], int]:
    """The fields that this program shows or needs, undecoded, by their names in lower case, and the body's offset.

    Of a repeated field the first that is not empty counts; To and Cc have the addresses of all.
    """
    section, body = _section(content, start, end)
    fields: dict[bytes, bytes] = {}
    for match in _FIELD.finditer(section):
        name, value = match[1].lower(), match[2].strip()
        if value and name not in fields:
            fields[name] = value
        elif value and name in _REPEATED and len(fields[name]) < FIELD_OCTETS:
            fields[name] += b", " + value
    return fields, body


def all_fields(content: bytes) -> list[tuple[str, str]]:
    """Every field of the content's header section, in order: the name as written, and the value as `show` gives it."""
    if content.count(b"\r") > content.count(b"\r\n"):
        content = chunks.with_line_feeds(content)
    section, _ = _section(content, 0, len(content))
    type_field = _TYPE_FIELD.search(section)
    named = _CHARSET.search(type_field[0]) if type_field else None
    charset = named[1].decode("ascii") if named else ""
    return [
        (field[1].decode("ascii"), show(field[2].strip(), charset, characters=FIELD_OCTETS))
        for field in _ANY_FIELD.finditer(section)
    ]


def show(value: bytes, charset: str = "", *, characters: int = LINE_CHARACTERS) -> str:
    """The field as a reader expects it: on one line, unfolded, its encoded words (RFC 2047) decoded.

    `charset` is what other parts of the message name: it counts for octets that are not ASCII and not UTF-8.
    """
    if not value:
        return ""
    text = _decode_words(_unfolded(value), charset)
    if "=?" in text:
        text = _decode_words(text.encode())  # encoded twice: seen in real mail
    return _without_controls(text).strip()[:characters]


def addresses(value: bytes, charset: str = "") -> list[Address]:
    """The addresses of an undecoded From, To, Cc or Reply-To field (RFC 5322 §3.4), with the decoded names."""
    if not value:
        return []
    # Encoded words are decoded after the field is split: an address inside of one is text for the reader only.
    text = _without_controls(mime_charset.decode_raw(_unfolded(value), charset))
    entries = mime_addresses.read(text)
    if "=?" not in text:
        return entries
    if not entries:  # some programs encode the whole field, with its only address
        return mime_addresses.read(show(value, charset, characters=FIELD_OCTETS))
    return [Address(name=show(each.name.encode(), characters=_NAME), address=each.address) for each in entries]


def date(value: bytes) -> datetime.datetime | None:
    """The Date field in UTC; None when it, or its zone, cannot be read."""
    value = value[: 2 * dates.CHARACTERS]
    if b"=?" in value:
        return dates.read(show(value))
    return dates.read(_unfolded(value).decode("latin-1")) if value else None


def _section(content: bytes, start: int, end: int) -> tuple[bytes, int]:
    """The fields behind a line break, and the body's offset. Without fields they are empty, and all is body."""
    section_end, body = _find_end(content, start, end)
    section = b"\n" + content[start:section_end].removeprefix(_MARK).lstrip(b" \t")
    if body == section_end and not _MAIL_FIELD.search(section):
        return b"", start
    return section, body


def _find_end(content: bytes, start: int, end: int) -> tuple[int, int]:
    """The end of the fields and the start of the body: equal when no blank line is between them."""
    if content.startswith(_MARK, start):
        start += len(_MARK)
    limit = min(end, start + SECTION_OCTETS)
    at = start
    lines = _FIELD_LINES
    while True:
        step_end = limit if limit - at <= _STEP_OCTETS else _step_end(content, at, limit)
        matched = lines.match(content, at, step_end)
        at = matched.end() if matched else at
        if at >= limit:
            break
        if at == step_end:
            lines = _MORE_LINES
            continue
        lines = _FIELD_LINES
        blank = _BLANK_LINE.match(content, at, end)
        if blank:
            return at, blank.end()
        following = content.find(b"\n", at, limit) + 1
        if not following and start < at and limit < end:
            break  # the limit cuts this line, perhaps before its colon
        if not following or not _belongs(content, at, following, first=at == start):
            return at, at
        at = following
    if limit == end:
        return end, end
    blanks = [(chunks.find(content, blank, at, end), len(blank)) for blank in (b"\n\n", b"\n\r\n")]
    return limit, min((blank_at + octets for blank_at, octets in blanks if blank_at >= 0), default=end)


def _step_end(content: bytes, at: int, limit: int) -> int:
    """The end of the last line that a single match takes, or the limit."""
    far = at + _STEP_OCTETS
    return content.rfind(b"\n", at, far) + 1 or content.find(b"\n", far, limit) + 1 or limit


def _belongs(content: bytes, at: int, following: int, *, first: bool) -> bool:
    """True for a line among the fields that is not a field: a fold that lost its space, or an mbox separator.

    The first line may also be a broken field, where one that mail has follows.
    """
    if first and not content.startswith((b" ", b"\t", b"From ", b">From "), at):
        return _MAIL_FIELD.match(content, following) is not None
    if content.startswith(b"--", at):
        return False
    return bool(
        _FIELD_START.match(content, following, following + SECTION_OCTETS) or _PARAMETER_LINE.match(content, at)
    )


def _unfolded(value: bytes) -> bytes:
    value = value[:FIELD_OCTETS]
    return _FOLD.sub(b" ", value) if b"\n" in value or b"\r" in value else value


def _without_controls(text: str) -> str:
    return text if text.isprintable() else _NOT_SHOWN.sub(" ", text)


def _decode_words(line: bytes, charset: str = "") -> str:
    if b"=?" not in line:
        return mime_charset.decode_raw(line, charset)
    pieces: list[str] = []
    words: list[bytes] = []
    word_type = (b"", b"")  # charset and encoding
    at = 0
    for match in _ENCODED_WORD.finditer(line):
        gap = line[at : match.start()]
        if at == 0 or gap.strip() or (match[1].lower(), match[2].lower()) != word_type:
            pieces.append(_decode_word(words, word_type))
            words = []
            # Space between two encoded words is not shown: RFC 2047 §6.2.
            if at == 0 or gap.strip():
                pieces.append(mime_charset.decode_raw(gap, charset))
        word_type = (match[1].lower(), match[2].lower())
        words.append(match[3])
        at = match.end()
    pieces.append(_decode_word(words, word_type))
    pieces.append(mime_charset.decode_raw(line[at:], charset))
    return "".join(pieces)


def _decode_word(words: list[bytes], word_type: tuple[bytes, bytes]) -> str:
    """The text of adjacent words; they are decoded together, since many senders split words inside a character."""
    charset, encoding = word_type[0].decode("ascii", "replace"), word_type[1]
    if encoding == b"q":
        octets = transfer_encoding.decode(b"".join(words).replace(b"_", b" "), encoding)
    elif len(words) > 1 and any(len(word.rstrip()) % 4 for word in words):
        return _decode_cut_words(words, charset)
    else:
        octets = b"".join(transfer_encoding.decode(word, encoding) for word in words)
    return mime_charset.decode(octets, charset)


def _decode_cut_words(words: list[bytes], charset: str) -> str:
    """The text of words in base64 that lack padding: either each does, or a group of four is cut between them."""
    joined = transfer_encoding.decode(b"".join(words), b"b")
    apart = b"".join(transfer_encoding.decode(word, b"b") for word in words)
    is_apart = mime_charset.fits(apart, charset) and not mime_charset.fits(joined, charset)
    return mime_charset.decode(apart if is_apart else joined, charset)
