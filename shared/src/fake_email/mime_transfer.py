"""What octets were sent? Content-Transfer-Encoding undone (RFC 2045 §6), as far as it can be."""

import binascii
import re

_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64_ALPHABET))
_ENCODING = re.compile(rb"[\s\"']*+([\w-]+)")
_CHARACTERS_A_WORD = 15  # on the average, or fewer, in text; base64 has no spaces


def decode(encoded: bytes, encoding: bytes) -> bytes:
    """The octets sent; `encoding` is the field's value, and one that is unknown changes nothing."""
    match _mechanism(encoding):
        case b"base64" | b"b":
            return _decode_base64(encoded)
        case b"quoted-printable" | b"q":
            return binascii.a2b_qp(encoded)
    return encoded


def decode_text(encoded: bytes, encoding: bytes) -> bytes:
    """As `decode`, for text: what says base64 and is not (real mail does) is shown as it stands."""
    if _mechanism(encoding) == b"base64":
        block = encoded.partition(b"=")[0]
        if block.strip().count(b" ") * _CHARACTERS_A_WORD > len(block):
            return encoded
    return decode(encoded, encoding)


def octet_count(encoded: bytes, encoding: bytes) -> int:
    """How many octets `decode` gives, without making them where base64 is sound."""
    if _mechanism(encoding) == b"base64":
        digits = encoded.rstrip(b"=\r\n \t")
        if b"=" not in digits:
            return len(digits.translate(None, _NOT_BASE64)) * 3 // 4
    return len(decode(encoded, encoding))


def _mechanism(encoding: bytes) -> bytes:
    match = _ENCODING.match(encoding)
    return match[1].lower() if match else b""


def _decode_base64(encoded: bytes) -> bytes:
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        digits = encoded.translate(None, _NOT_BASE64)
    # A lone last digit holds six bits: no octet.
    whole = len(digits) - (len(digits) % 4 == 1)
    return binascii.a2b_base64(digits[:whole] + b"=" * (-whole % 4))
