"""Content-Transfer-Encoding (RFC 2045 §6) decoded, also where the encoded octets are broken."""

import binascii
import re
from collections.abc import Iterator
from typing import Literal, Protocol

from fake_email.mime import chunks, uuencode

Mechanism = Literal["base64", "quoted-printable", "uuencode", ""]

_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64_ALPHABET))
_NOT_BASE64_OR_PAD = bytes(set(range(256)) - set(_BASE64_ALPHABET + b"="))
_SEPARATOR = b"= \t\r\n"
_PADDING = re.compile(rb"=[=\s]*+")
_LOOK_AHEAD = 200  # octets behind padding, which show whether base64 goes on
_LONG_LINE = 60
_GROUPS_WITH_PADDING = 100_000  # of one body; the rest of a body with more is not read
_SOFT_BREAK = re.compile(rb"=(?:[ \t]{1,1000}+(?:\r?\n|\r|\Z)|\r)")
_SOFT_BREAK_BEGUN = re.compile(rb"=++[ \t]{0,1000}+\r?\Z")
_ENCODING = re.compile(rb"[\s\"']*+([\w-]+)")
_CHARACTERS_A_WORD = 15  # or fewer, on average, in text; base64 has no spaces
_OCTETS_FOR_ONE = 3  # in quoted-printable, the longest of the encodings


def decode(encoded: bytes, encoding: bytes) -> bytes:
    """The decoded octets; `encoding` is the value of the field, and an unknown one changes nothing."""
    match mechanism(encoding):
        case "base64":
            return _decode_base64(encoded)
        case "quoted-printable":
            return _decode_quoted_printable(encoded)
        case "uuencode":
            return uuencode.Decoder().feed(encoded, is_last=True)
    return encoded


def decoder(encoding: bytes) -> "Decoder":
    """A decoder, as `decode`, for octets that come in pieces."""
    match mechanism(encoding):
        case "base64":
            return _Base64()
        case "quoted-printable":
            return _QuotedPrintable()
        case "uuencode":
            return uuencode.Decoder()
    return _Identity()


def beginning(content: bytes, start: int, end: int, encoding: bytes, octets: int) -> bytes:
    """The first octets, so many at most, of `decode(content[start:end], encoding)`."""
    if end - start <= chunks.OCTETS:
        return decode(content[start:end], encoding)[:octets]
    pieces: list[bytes] = []
    left = octets
    for piece in _decoded(content, start, min(end, start + _OCTETS_FOR_ONE * octets), encoding):
        pieces.append(piece[:left])
        left -= len(pieces[-1])
        if left == 0:
            break
    return b"".join(pieces)


def octet_count(content: bytes, start: int, end: int, encoding: bytes) -> int:
    """The number of octets in `decode(content[start:end], encoding)`."""
    if end - start <= chunks.OCTETS:
        return len(decode(content[start:end], encoding))
    name = mechanism(encoding)
    if name == "base64":
        padding = chunks.find(content, b"=", start, end)
        if padding < 0:
            padding = end
        if end - padding <= chunks.OCTETS and not content[padding:end].strip(_SEPARATOR):
            # Without padding inside, the digits tell the number: decoding takes three times as long.
            steps = chunks.steps(start, padding)
            return 3 * sum(len(content[at:to].translate(None, _NOT_BASE64)) for at, to in steps) // 4
    if name:
        return sum(map(len, _decoded(content, start, end, encoding)))
    return end - start


def is_plain(content: bytes, start: int, end: int, encoding: bytes) -> bool:
    """True where the field says base64 and the octets are plain text all the same, as in some real mail."""
    if mechanism(encoding) != "base64":
        return False
    block = content[start : min(end, start + chunks.OCTETS)].partition(b"=")[0]
    return block.strip().count(b" ") * _CHARACTERS_A_WORD > len(block)


def mechanism(encoding: bytes) -> Mechanism:
    """The encoding that the value of the field names; "b" and "q" are names in encoded words."""
    if not encoding:
        return ""
    name = _ENCODING.match(encoding)
    match name[1].lower() if name else b"":
        case b"base64" | b"b":
            return "base64"
        case b"quoted-printable" | b"q" | b"quoted_printable" | b"quotedprintable" | b"quoted":
            return "quoted-printable"
        case b"x-uuencode" | b"uuencode" | b"x-uue" | b"uue":
            return "uuencode"
    return ""


def _decoded(content: bytes, start: int, end: int, encoding: bytes) -> Iterator[bytes]:
    pieces = decoder(encoding)
    return (pieces.feed(content[at:to], is_last=to == end) for at, to in chunks.steps(start, end))


def _decode_base64(encoded: bytes) -> bytes:
    padding = encoded.find(b"=")
    if padding >= 0 and encoded[padding:].strip(_SEPARATOR):
        return _Base64().feed(encoded, is_last=True)
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        return _decode_digits(encoded.translate(None, _NOT_BASE64))


def _decode_digits(digits: bytes) -> bytes:
    # A lone last digit holds six bits: no octet.
    whole = len(digits) - (len(digits) % 4 == 1)
    return binascii.a2b_base64(digits[:whole] + b"=" * (-whole % 4))


def _goes_on(rest: bytes) -> bool:
    """True when the text behind padding is base64 as well, not the footer that a mailing list put there."""
    line, line_end, _ = rest.partition(b"\n")
    line = line.strip()
    is_whole = line_end or len(rest) < _LOOK_AHEAD
    is_base64 = not line.translate(None, _BASE64_ALPHABET + b"=")
    return is_base64 and (len(line) % 4 == 0 if is_whole and len(line) < _LONG_LINE else True)


def _decode_quoted_printable(encoded: bytes) -> bytes:
    encoded = encoded.replace(b"=\r\n", b"=\n")
    if b"= " in encoded or b"=\t" in encoded or b"=\r" in encoded:
        # RFC 2045 §6.7 (3): blanks at the end of a line are not the sender's.
        encoded = _SOFT_BREAK.sub(b"=\n", encoded)
    return binascii.a2b_qp(encoded)


class Decoder(Protocol):
    """The decoding of one body, from its first octet to its last."""

    def feed(self, encoded: bytes, *, is_last: bool) -> bytes:
        """The octets that this piece completes."""


class _Base64:
    """Base64, also several bodies of it one after another: padding that completes a group of four ends one."""

    def __init__(self) -> None:
        self._held = b""  # text to read again with the next piece
        self._digits = b""  # of an incomplete group
        self._is_after_padding = False
        self._is_over = False
        self._groups = 0

    def feed(self, encoded: bytes, *, is_last: bool) -> bytes:
        text = self._held + encoded
        self._held = b""
        pieces: list[bytes] = []
        at = 0
        while at < len(text) and not self._is_over:
            if self._is_after_padding:
                at = self._after_padding(text, at, is_last=is_last)
                continue
            end = text.find(b"=", at)
            padding = _PADDING.match(text, end) if end >= 0 else None
            self._digits += text[at : end if padding else len(text)].translate(None, _NOT_BASE64)
            at = padding.end() if padding else len(text)
            pieces.append(self._groups_of_four(padding[0].count(b"=") if padding else 0))
            if padding and at == len(text) and len(self._digits) == 2 and not is_last:  # noqa: PLR2004
                self._held, self._digits = self._digits + b"=", b""  # half of the padding, perhaps
        if is_last and not self._is_over:
            pieces.append(_decode_digits(self._digits))
        return b"".join(pieces)

    def _groups_of_four(self, padding: int) -> bytes:
        """The octets of the groups that are complete, with so many padding characters behind them."""
        missing = -len(self._digits) % 4
        if 1 <= missing <= min(2, padding):
            digits, self._digits = self._digits + b"=" * missing, b""
            self._is_after_padding = True
            self._groups += 1
            self._is_over = self._groups >= _GROUPS_WITH_PADDING
            return binascii.a2b_base64(digits)
        # Anywhere else padding means nothing, as to `binascii`.
        whole = len(self._digits) // 4 * 4
        digits, self._digits = self._digits[:whole], self._digits[whole:]
        return binascii.a2b_base64(digits)

    def _after_padding(self, text: bytes, at: int, *, is_last: bool) -> int:
        """Look at the text behind padding; returns the offset where reading goes on."""
        ahead = text[at : at + _LOOK_AHEAD]
        blanks = len(ahead) - len(ahead.lstrip(_SEPARATOR))
        if blanks:
            return at + blanks
        if b"\n" not in ahead and len(ahead) < _LOOK_AHEAD and not is_last:
            self._held = text[at:]
            return len(text)
        self._is_after_padding = False
        self._is_over = not _goes_on(ahead)
        return at


class _QuotedPrintable:
    def __init__(self) -> None:
        self._rest = b""

    def feed(self, encoded: bytes, *, is_last: bool) -> bytes:
        encoded = self._rest + encoded
        end = len(encoded)
        if not is_last:
            # An escape ends at a line feed, or two octets after its equals sign; blanks may follow a soft break.
            begun = _SOFT_BREAK_BEGUN.search(encoded, max(0, end - 1_100))
            end = begun.start() if begun else end
            away = (end - back for back in range(3) if b"=" not in encoded[max(0, end - back - 2) : end - back])
            end = encoded.rfind(b"\n") + 1 or next(away, end)
        self._rest = encoded[end:]
        return _decode_quoted_printable(encoded[:end])


class _Identity:
    def feed(self, encoded: bytes, *, is_last: bool) -> bytes:  # noqa: ARG002  # no octet is kept back
        return encoded
