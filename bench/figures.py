"""What all measures share: mailboxes to write to, messages to write, figures to read."""

import math
from collections.abc import Sequence

import httpx
from harness import Pair

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


class Lost(Exception):
    """What was acknowledged did not arrive, or arrived twice."""


def message(number: int) -> bytes:
    """A message of MESSAGE_OCTETS; every number makes another one."""
    header_section = _HEADER_SECTION % (number, number)
    return header_section + _TEXT[len(header_section) - MESSAGE_OCTETS :]


def make_mailboxes(pair: Pair, count: int) -> list[str]:
    """The addresses of new mailboxes."""
    with httpx.Client(base_url=pair.http_url, timeout=30) as http:
        return [
            str(http.post("/api/temporary-address").raise_for_status().json()["temp_email_addr"]) for _ in range(count)
        ]


def row(label: str, *cells: str | float) -> str:
    """A line of the table; a heading, where the cells are words, stands out a little."""
    indent = "" if all(isinstance(cell, str) for cell in cells) else "  "
    return f"{indent + label:<34}" + "".join(
        f"{cell:>12}" if isinstance(cell, str) else f"{cell:>12.{0 if cell >= 100 else 2}f}" for cell in cells
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The least of `values` that so many percent of them do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
