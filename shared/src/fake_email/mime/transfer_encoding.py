"""Content-Transfer-Encoding (RFC 2045 §6) decoded, also where the encoded octets are broken."""

import binascii
import re
from collections.abc import Iterator
from typing import Literal, Protocol

from fake_email.mime import chunks

Mechanism = Literal["base64", "quoted-printable", ""]

_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64_ALPHABET))
_NOT_BASE64_OR_PAD = bytes(set(range(256)) - set(_BASE64_ALPHABET + b"="))
# Padding ends base64 where it completes a group of four; anywhere else it means nothing, as to `binascii`.
_GROUPS = re.compile(rb"(?>(?:=*+[^=]=*+[^=]=?+[^=][^=])*)(?P<last>=*+[^=]=*+[^=](?:==|=?+[^=]=))?")
_ENCODING = re.compile(rb"[\s\"']*+([\w-]+)")
_CHARACTERS_A_WORD = 15  # or fewer, on average, in text; base64 has no spaces
_OCTETS_FOR_ONE = 3  # in quoted-printable, the longest of the encodings


def decode(encoded: bytes, encoding: bytes) -> bytes:
    """The decoded octets; `encoding` is the value of the field, and an unknown one changes nothing."""
    match mechanism(encoding):
        case "base64":
            return _decode_base64(encoded)
        case "quoted-printable":
            return binascii.a2b_qp(encoded)
    return encoded


def decoder(encoding: bytes) -> "Decoder":
    """A decoder, as `decode`, for octets that come in pieces."""
    match mechanism(encoding):
        case "base64":
            return _Base64()
        case "quoted-printable":
            return _QuotedPrintable()
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
    match mechanism(encoding):
        case "base64":
            base64 = _Base64()
            steps = chunks.steps(start, end)
            return sum(len(base64.digits(content[at:to], is_last=to == end)) for at, to in steps) * 3 // 4
        case "quoted-printable":
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
    name = _ENCODING.match(encoding)
    match name[1].lower() if name else b"":
        case b"base64" | b"b":
            return "base64"
        case b"quoted-printable" | b"q":
            return "quoted-printable"
    return ""


def _decoded(content: bytes, start: int, end: int, encoding: bytes) -> Iterator[bytes]:
    pieces = decoder(encoding)
    return (pieces.feed(content[at:to], is_last=to == end) for at, to in chunks.steps(start, end))


def _decode_base64(encoded: bytes) -> bytes:
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        return _decode_digits(encoded.translate(None, _NOT_BASE64))


def _decode_digits(digits: bytes) -> bytes:
    # A lone last digit holds six bits: no octet.
    whole = len(digits) - (len(digits) % 4 == 1)
    return binascii.a2b_base64(digits[:whole] + b"=" * (-whole % 4))


class Decoder(Protocol):
    """The decoding of one body, from its first octet to its last."""

    def feed(self, encoded: bytes, *, is_last: bool) -> bytes:
        """The octets that this piece completes."""


class _Base64:
    def __init__(self) -> None:
        self._carried = b""  # an incomplete group, and a "=" that may be half of its padding
        self._is_over = False

    def feed(self, encoded: bytes, *, is_last: bool) -> bytes:
        return _decode_digits(self.digits(encoded, is_last=is_last))

    def digits(self, encoded: bytes, *, is_last: bool) -> bytes:
        """The digits up to the padding that ends them, in whole groups of four except at the end."""
        if self._is_over:
            return b""
        marks = (self._carried + encoded).translate(None, _NOT_BASE64_OR_PAD)
        if is_last:
            marks = marks.rstrip(b"=")
        whole = len(marks) // 4 * 4
        if b"=" in marks:
            groups = _GROUPS.match(marks)
            whole = groups.end() if groups else 0
            self._is_over = bool(groups and groups["last"])
        if is_last and not self._is_over:
            whole = len(marks)
        rest = marks[whole:]
        self._carried = rest.translate(None, b"=")
        if len(self._carried) == 2 and rest.endswith(b"="):  # noqa: PLR2004 - the only place where two make padding
            self._carried += b"="
        return marks[:whole].translate(None, b"=")


class _QuotedPrintable:
    def __init__(self) -> None:
        self._rest = b""

    def feed(self, encoded: bytes, *, is_last: bool) -> bytes:
        encoded = self._rest + encoded
        end = len(encoded)
        if not is_last:
            # An escape ends at a line feed, or two octets after its equals sign.
            away = (end - back for back in range(3) if b"=" not in encoded[max(0, end - back - 2) : end - back])
            end = encoded.rfind(b"\n") + 1 or next(away, end)
        self._rest = encoded[end:]
        return binascii.a2b_qp(encoded[:end])


class _Identity:
    def feed(self, encoded: bytes, *, is_last: bool) -> bytes:  # noqa: ARG002  # no octet is kept back
        return encoded
