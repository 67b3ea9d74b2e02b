"""The messages that the load sends: short, with a large attachment, or realistic; no two are equal."""

import base64
import functools
import random

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
_BASE64_LINE_OCTETS = 78
_PLAIN = (
    b"Hello,\r\n\r\nthank you for your message. We have read it and will come back to you within two days.\r\n"
    b"Until then you find the state of your request at https://shop.client.test/requests/%d\r\n\r\n"
    b"Kind regards\r\nThe shop at the corner\r\n"
)
_WITH_CODE = (
    b"Hello,\r\n\r\nyour verification code is %06d. It expires in ten minutes.\r\n"
    b"If you did not ask for this code, you can ignore this message.\r\n\r\nThe account team\r\n"
)
_HTML_TYPE = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
_HTML_ROW = (
    b'<tr><td style="padding:8px 12px;font-family:Arial,sans-serif;color:#333333"><a href="https://shop.client.test/'
    b'items/%d?campaign=%d">Item %d</a></td>\r\n<td align="right">A short description &amp; its price</td></tr>\r\n'
)
_HTML_OCTETS = 20_480


def message(number: int, octets: int = MESSAGE_OCTETS) -> bytes:
    """A message of `octets` octets, to within a line of base64; each number makes a different message."""
    header_section = _HEADER_SECTION % (number, number)
    if octets == MESSAGE_OCTETS:
        return header_section + b"\r\n" + _TEXT[len(header_section) + 2 - MESSAGE_OCTETS :]
    return header_section + _attached(octets - len(header_section))


def realistic(number: int) -> bytes:
    """Plain text without a code, text with a code, or 20 KB of HTML, in turn."""
    header_section = _HEADER_SECTION % (number, number)
    match number % 3:
        case 0:
            return header_section + b"\r\n" + _PLAIN % number
        case 1:
            return header_section + b"\r\n" + _WITH_CODE % (number % 1_000_000)
        case _:
            return header_section + _HTML_TYPE + b"\r\n" + _html(number % 7)


@functools.lru_cache(maxsize=4)
def _attached(octets: int) -> bytes:
    lines = (octets - len(_BEFORE_ATTACHMENT) - len(_AFTER_ATTACHMENT)) // _BASE64_LINE_OCTETS
    # Random octets, since Postgres would compress a repeated line. The same for each run.
    attachment = base64.encodebytes(random.Random(1).randbytes(lines * 57)).replace(b"\n", b"\r\n")
    return b"".join((_BEFORE_ATTACHMENT, attachment, _AFTER_ATTACHMENT))


@functools.lru_cache(maxsize=7)
def _html(campaign: int) -> bytes:
    rows = _HTML_OCTETS // len(_HTML_ROW)
    table = b"".join(_HTML_ROW % (item, campaign, item) for item in range(rows))
    return b"<html><body><h1>News of this week</h1><table>\r\n" + table + b"</table></body></html>\r\n"
