"""Questions to DNS and their answers, as plain values. Pure."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from fake_email.authentication import DnsRecord

RecordType = Literal["A", "AAAA", "MX", "PTR", "TXT"]

_SHOWN_CHARACTERS = 512
_SHOWN_RECORDS = 10
_LABEL_OCTETS = 63
_NAME_OCTETS = 253


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """The name, in lower case and without a dot at its end, and the type of a record."""

    name: str
    type: RecordType


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The values of the records, of which there may be none; `failure` says why nobody knows.

    `is_silent`: no answer came at all. A value of a TXT record has all of its strings joined, each octet as a character
    of Latin-1; an MX record is "10 mx.example".
    """

    values: tuple[str, ...] = ()
    failure: str = ""
    is_silent: bool = False


# The answers known so far, and the result of a computation that needs more of them.
Answers: TypeAlias = Mapping[Question, Answer]


def question(name: str, record_type: RecordType) -> Question:
    """The question about a name as people write it."""
    return Question(name=name.lower().rstrip("."), type=record_type)


def is_askable(name: str) -> bool:
    """True for a name that a question can have (RFC 1035 §2.3.4)."""
    return (
        name.isascii() and len(name) <= _NAME_OCTETS and all(0 < len(each) <= _LABEL_OCTETS for each in name.split("."))
    )


def shown(
    answers: Answers, questions: "list[Question] | tuple[Question, ...]", prefix: str = ""
) -> tuple[DnsRecord, ...]:
    """The first records of these questions whose value begins with `prefix`, in any case, for a reader."""
    records = [
        DnsRecord(name=each.name, type=each.type, value=printable(value)[:_SHOWN_CHARACTERS])
        for each in questions
        for value in answers.get(each, Answer()).values
        if value.lower().startswith(prefix)
    ]
    return tuple(records[:_SHOWN_RECORDS])


def printable(text: str) -> str:
    """The text as ASCII without control characters: a stranger has chosen it."""
    return "".join(each if each.isascii() and each.isprintable() else "?" for each in text)
