"""The result of a check."""

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """`NOTE` is information that needs no repair."""

    PASS = "pass"  # noqa: S105  # not a password
    NOTE = "note"
    FAIL = "FAIL"


class Finding(NamedTuple):
    kind: Kind
    what: str
    detail: str


def passed(what: str, detail: str) -> Finding:
    return Finding(Kind.PASS, what, detail)


def note(what: str, detail: str) -> Finding:
    return Finding(Kind.NOTE, what, detail)


def failed(what: str, detail: str) -> Finding:
    return Finding(Kind.FAIL, what, detail)
