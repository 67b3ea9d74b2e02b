"""Generated messages, made from a seed: most are short, some are long, a few are large or staged."""

import random

# The daemon stores content above 512 KiB in transactions of its own, and stages it above 2 MiB.
_OCTETS = ((200, 4_000), (4_000, 100_000), (550_000, 700_000), (2_200_000, 2_400_000))
_SHARES = (180, 18, 1, 1)
_LINES = (
    b"The quick brown fox jumps over the lazy dog.\r\n",
    b".\r\n",
    b"..two dots\r\n",
    b".one dot\r\n",
    b"\r\n",
    b"octets that are no UTF-8: \xff\xfe\x80\r\n",
    b"a long line: " + b"x" * 3_000 + b"\r\n",
    b"From here on\r\n",
)


def subject(number: int) -> str:
    return f"message {number}"


def number_of(subject: str) -> int:
    """Return the number in a subject that `subject` made, -1 for any other subject."""
    word, _, number = subject.partition(" ")
    return int(number) if word == "message" and number.isdecimal() else -1


def make(number: int, chance: random.Random) -> bytes:
    """Return a message that is unique to its number; it ends with CRLF, and its dots are not doubled."""
    least, most = chance.choices(_OCTETS, _SHARES)[0]
    octets = chance.randint(least, most)
    content = bytearray(
        b"From: Writer <writer@client.test>\r\nTo: Readers <readers@mx.test>\r\nSubject: %b\r\n"
        b"Message-ID: <%d@client.test>\r\n\r\n" % (subject(number).encode(), number)
    )
    while len(content) < octets:
        content += chance.choice(_LINES) * chance.randint(1, 1 + octets // 10_000)
    return bytes(content)
