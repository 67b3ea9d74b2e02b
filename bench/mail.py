"""The messages that the load sends: short ones, or with a large attachment; no two are equal."""

import functools
import itertools

MESSAGE_OCTETS = 2_048

_HEADER_SECTION = (
    b"From: Writer <writer@client.test>\r\n"
    b"To: Reader <reader@mx.test>\r\n"
    b"Subject: Message %d of many\r\n"
    b"Date: Sun, 22 Nov 2026 17:00:00 +0000\r\n"
    b"Message-ID: <%d@client.test>\r\n"
)
_LINE = b"The quick brown fox jumps over the lazy dog, and then it does so again.\r\n"
_TEXT = _LINE * (MESSAGE_OCTETS // len(_LINE))
_BEFORE_ATTACHMENT = (
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=limit\r\n"
    b"\r\n"
    b"--limit\r\n"
    b"\r\n"
    b"See the attachment.\r\n"
    b"--limit\r\n"
    b"Content-Type: application/octet-stream; name=large.bin\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"\r\n"
)
_AFTER_ATTACHMENT = b"--limit--\r\n"
# RFC 2045 §6.8: at most 76 characters of base64 in a line.
_BASE64_LINE = b"QUJD" * 19 + b"\r\n"


def message(number: int, octets: int = MESSAGE_OCTETS) -> bytes:
    """A message of `octets` octets, to within a line of base64; each number makes a different message."""
    header_section = _HEADER_SECTION % (number, number)
    if octets == MESSAGE_OCTETS:
        return header_section + b"\r\n" + _TEXT[len(header_section) + 2 - MESSAGE_OCTETS :]
    return header_section + _attached(octets - len(header_section))


@functools.lru_cache(maxsize=4)
def _attached(octets: int) -> bytes:
    lines = (octets - len(_BEFORE_ATTACHMENT) - len(_AFTER_ATTACHMENT)) // len(_BASE64_LINE)
    return b"".join((_BEFORE_ATTACHMENT, *itertools.repeat(_BASE64_LINE, lines), _AFTER_ATTACHMENT))
