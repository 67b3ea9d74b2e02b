"""The counts of the daemon's sessions since its start, in plain integers. Pure."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from smtp_ingest import replies, reply_tables

# The command that a reply is for; the content has the reply to its transfer, or to its commit.
Stage = Literal["mail", "rcpt", "data", "commit"]

_CODE = re.compile(r"[245]\d\d \d\.\d\.\d")
_CODE_CHARACTERS = 9


def _codes(texts: Iterable[object]) -> set[str]:
    return {found[0] for text in texts if isinstance(text, str) and (found := _CODE.match(text))}


# Reply code and enhanced code of every reply: the text behind them may have what an operator or a sender wrote.
REPLIES = tuple(
    sorted(
        _codes(vars(replies).values())
        | _codes(reply_tables.FOR_ERROR.values())
        | _codes(reply_tables.FOR_OVERLOAD.values())
        | _codes(reply_tables.FOR_FAULT.values())
        | _codes(reply_tables.FOR_LIMIT.values())
    )
)
ERRORS = (*(error.__name__ for error in reply_tables.FOR_ERROR), "unexpected")


class Counts:
    """The daemon makes one; a session adds to it."""

    def __init__(self) -> None:
        self.mail, self.rcpt, self.data, self.commit = (dict.fromkeys(REPLIES, 0) for _ in range(4))
        self.replies: dict[Stage, dict[str, int]] = {
            "mail": self.mail,
            "rcpt": self.rcpt,
            "data": self.data,
            "commit": self.commit,
        }
        # The replies to each command that carries mail.
        self.of_command = {"MAIL": self.mail, "RCPT": self.rcpt, "DATA": self.data, "BDAT": self.data}
        self.limits: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.overload: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.stored_octets = 0


def count(counted: dict[str, int], reply: str) -> None:
    """Count a reply by its codes; an intermediate reply (3xx) has none of them."""
    code = reply[:_CODE_CHARACTERS]
    if code in counted:
        counted[code] += 1
