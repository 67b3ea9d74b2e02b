"""What octets were sent? Content-Transfer-Encoding undone (RFC 2045 §6), as far as it can be."""

import binascii
import re
from collections.abc import Iterator

from fake_email import mime_window

_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64_ALPHABET))
_NOT_BASE64_OR_PAD = bytes(set(range(256)) - set(_BASE64_ALPHABET + b"="))
# Padding ends base64 where it completes a group of four; anywhere else it means nothing, as to `binascii`.
_GROUPS = re.compile(rb"(?>(?:=*+[^=]=*+[^=]=?+[^=][^=])*)(?P<last>=*+[^=]=*+[^=](?:==|=?+[^=]=))?")
_ENCODING = re.compile(rb"[\s\"']*+([\w-]+)")
_CHARACTERS_A_WORD = 15  # on the average, or fewer, in text; base64 has no spaces
_OCTETS_FOR_ONE = 3  # quoted-printable's, the most that any encoding takes


def decode(encoded: bytes, encoding: bytes) -> bytes:
    """The octets sent; `encoding` is the field's value, and one that is unknown changes nothing."""
    match _mechanism(encoding):
        case b"base64" | b"b":
            return _decode_base64(encoded)
        case b"quoted-printable" | b"q":
            return binascii.a2b_qp(encoded)
    return encoded


def beginning(content: bytes, start: int, end: int, encoding: bytes, octets: int) -> bytes:
    """As `decode` of what stands there in the content, up to so many octets."""
    if end - start <= mime_window.OCTETS:
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
    """How many octets `decode` gives of what stands there in the content."""
    if end - start <= mime_window.OCTETS:
        return len(decode(content[start:end], encoding))
    match _mechanism(encoding):
        case b"base64" | b"b":
            return sum(map(len, _base64_digits(content, start, end))) * 3 // 4
        case b"quoted-printable" | b"q":
            return sum(map(len, _decoded(content, start, end, encoding)))
    return end - start


def is_plain(content: bytes, start: int, end: int, encoding: bytes) -> bool:
    """Whether what says base64 there is text as it stands, which is in real mail."""
    if _mechanism(encoding) != b"base64":
        return False
    block = content[start : min(end, start + mime_window.OCTETS)].partition(b"=")[0]
    return block.strip().count(b" ") * _CHARACTERS_A_WORD > len(block)


def _mechanism(encoding: bytes) -> bytes:
    match = _ENCODING.match(encoding)
    return match[1].lower() if match else b""


def _decoded(content: bytes, start: int, end: int, encoding: bytes) -> Iterator[bytes]:
    match _mechanism(encoding):
        case b"base64" | b"b":
            return map(_decode_digits, _base64_digits(content, start, end))
        case b"quoted-printable" | b"q":
            return map(binascii.a2b_qp, _quoted_printable(content, start, end))
    return (content[at:step_end] for at, step_end in mime_window.steps(start, end))


def _decode_base64(encoded: bytes) -> bytes:
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        return _decode_digits(encoded.translate(None, _NOT_BASE64))


def _decode_digits(digits: bytes) -> bytes:
    # A lone last digit holds six bits: no octet.
    whole = len(digits) - (len(digits) % 4 == 1)
    return binascii.a2b_base64(digits[:whole] + b"=" * (-whole % 4))


def _base64_digits(content: bytes, start: int, end: int) -> Iterator[bytes]:
    """The digits up to the padding that ends them, in pieces of whole groups of four but for the last."""
    carried = b""  # less than a group, and a "=" that may be half of its padding
    for at, step_end in mime_window.steps(start, end):
        marks = (carried + content[at:step_end]).translate(None, _NOT_BASE64_OR_PAD)
        if step_end == end:
            marks = marks.rstrip(b"=")
        whole = len(marks) // 4 * 4
        if b"=" in marks:
            groups = _GROUPS.match(marks)
            whole = groups.end() if groups else 0
            if groups and groups["last"]:
                yield marks[:whole].translate(None, b"=")
                return
        yield marks[:whole].translate(None, b"=")
        rest = marks[whole:]
        carried = rest.translate(None, b"=")
        if len(carried) == 2 and rest.endswith(b"="):  # noqa: PLR2004 - the only place where two make padding
            carried += b"="
    yield carried.translate(None, b"=")


def _quoted_printable(content: bytes, start: int, end: int) -> Iterator[bytes]:
    """What stands there, in pieces that each can be decoded alone."""
    at = start
    while at < end:
        step_end = min(at + mime_window.OCTETS, end)
        if step_end < end:
            # A line feed ends whatever an equals sign began; in a line without an end two octets do.
            line_end = content.rfind(b"\n", at, step_end) + 1
            away = (step_end - back for back in range(3) if b"=" not in content[step_end - back - 2 : step_end - back])
            step_end = line_end or next(away, step_end)
        yield content[at:step_end]
        at = step_end
