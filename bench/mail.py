"""The messages that are sent: as long as a short mail, and no two the same."""

MESSAGE_OCTETS = 2_048

_HEADER_SECTION = (
    b"From: Writer <writer@client.test>\r\n"
    b"To: Reader <reader@mx.test>\r\n"
    b"Subject: Message %d of many\r\n"
    b"Date: Sun, 22 Nov 2026 17:00:00 +0000\r\n"
    b"Message-ID: <%d@client.test>\r\n"
    b"\r\n"
)
_LINE = b"The quick brown fox jumps over the lazy dog, and then it does so again.\r\n"
_TEXT = _LINE * (MESSAGE_OCTETS // len(_LINE))


def message(number: int) -> bytes:
    """A message of MESSAGE_OCTETS; every number makes another one."""
    header_section = _HEADER_SECTION % (number, number)
    return header_section + _TEXT[len(header_section) - MESSAGE_OCTETS :]
