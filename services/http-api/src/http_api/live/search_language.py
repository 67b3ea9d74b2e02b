"""The search language: `from:ann subject:"your code" -has:attachment /[0-9]{6}/`, parsed into terms. Pure.

A message must meet every term. A term is a word or a "phrase in quotes", alone or after the name of a field; `-` in
front of a term negates it. docs/api.md has the list.
"""

import datetime
import difflib
import re
from collections.abc import Callable
from typing import Literal, get_args

import msgspec

from fake_email.storage.message_conditions import (
    Column,
    Condition,
    Has,
    HasAny,
    HasCode,
    IsSeen,
    LargerThan,
    ReceivedBefore,
)
from http_api.protocol.errors import BadInput

TextField = Literal["any", "from", "to", "cc", "reply-to", "subject", "text"]

MAX_CHARACTERS = 500
MAX_TERMS = 20

_TEXT_FIELDS: tuple[TextField, ...] = ("from", "to", "cc", "reply-to", "subject", "text")
# Of Mailpit, whose other names are those of this language.
_OTHER_NAMES = {"addressed", "bcc", "message-id", "tag"}
_TERM = re.compile(
    r"""(?P<minus>[-!]?)
    (?:(?P<name>[A-Za-z]+(?:[-_][A-Za-z]+)*):)?
    (?: "(?P<phrase>[^"]*)(?P<end>"?) | (?P<pattern>/(?!\s)(?:\\.|[^\\/\n])+/)(?=\s|$) | (?P<word>\S*) )""",
    re.VERBOSE,
)
_SIZE = re.compile(r"([0-9]{1,12})([kmg]?)b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1_024, "m": 1_048_576, "g": 1_073_741_824}


class TextTerm(msgspec.Struct, frozen=True, kw_only=True):
    """The field contains `value` in upper or lower case, or with `is_pattern` matches it as a pattern of RE2.

    "any" means From, the recipient, the subject and the text. `shown` is the term as the client wrote it.
    """

    field: TextField
    value: str
    is_pattern: bool
    is_negated: bool
    shown: str


class ColumnTerm(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that a column of the table decides."""

    condition: Condition
    shown: str


Term = TextTerm | ColumnTerm


def parse(query: str, *, field: str = "query") -> list[Term]:
    """The terms of `query`, each once; raises BadInput, which names the parameter `field` and the term."""
    if len(query) > MAX_CHARACTERS:
        raise BadInput(field, f"{field}: longer than {MAX_CHARACTERS} characters.")
    terms: list[Term] = []
    at = 0
    while match := _TERM.match(query, at := _skip_blanks(query, at)):
        if match.end() == at:
            break
        term = _term(match, field)
        if term not in terms:
            terms.append(term)
        at = match.end()
    if len(terms) > MAX_TERMS:
        raise BadInput(field, f"{field}: more than {MAX_TERMS} terms.")
    return terms


def _skip_blanks(query: str, at: int) -> int:
    while at < len(query) and query[at].isspace():
        at += 1
    return at


def _term(match: re.Match[str], field: str) -> Term:
    shown, is_negated, name = match[0], bool(match["minus"]), (match["name"] or "").lower()
    if shown in {"-", "!"}:  # a dash between words
        return TextTerm(field="any", value=shown, is_pattern=False, is_negated=False, shown=shown)
    if match["phrase"] is not None and not match["end"]:
        raise BadInput(field, f"{field}: {shown[:100]!r} has no closing quotation mark.")
    value = match["phrase"] or (match["pattern"] or "")[1:-1] or match["word"] or ""
    if name in _COLUMNS:
        column, is_other = _COLUMNS[name](value, shown, field)
        return ColumnTerm(condition=Condition(column=column, is_negated=is_negated != is_other), shown=shown)
    if name and name not in _TEXT_FIELDS:
        _check_name(name, shown, field)
        whole = shown.removeprefix(match["minus"])
        return TextTerm(field="any", value=whole, is_pattern=False, is_negated=is_negated, shown=shown)
    if not value:
        raise BadInput(field, f'{field}: {shown[:100]!r} asks for nothing; add a word or a "phrase".')
    return TextTerm(
        field=_text_field(name),
        value=value,
        is_pattern=match["pattern"] is not None,
        is_negated=is_negated,
        shown=shown,
    )


def _text_field(name: str) -> TextField:
    return next((each for each in _TEXT_FIELDS if each == name), "any")


def _check_name(name: str, shown: str, field: str) -> None:
    """Refuse a name of Mailpit or nearly one of ours; any other word with a colon, such as `https:`, is text."""
    if name.replace("_", "-") in _OTHER_NAMES:
        raise BadInput(
            field,
            f"{field}: {shown[:100]!r}: {name}: is unknown; there are {', '.join(f'{each}:' for each in NAMES)}."
            " Quotation marks make it text to search for.",
        )
    nearest = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.7)
    if nearest:
        raise BadInput(
            field,
            f"{field}: {shown[:100]!r}: {name}: is unknown; did you mean {nearest[0]}:? Quotation marks make it"
            " text to search for.",
        )


# Each reads the value of a term: its condition, and whether the condition is the opposite of what the term says.
_Read = Callable[[str, str, str], tuple[Column, bool]]


def _has(value: str, shown: str, field: str) -> tuple[Column, bool]:
    found: Has | None = next((each for each in get_args(Has) if each == value.lower()), None)
    if found is None:
        raise BadInput(field, f"{field}: {shown[:100]!r}: has: is followed by {_any_of(get_args(Has))}.")
    return HasAny(what=found), False


def _is(value: str, shown: str, field: str) -> tuple[Column, bool]:
    opposite = {"seen": False, "read": False, "unseen": True, "unread": True}.get(value.lower())
    if opposite is None:
        raise BadInput(field, f"{field}: {shown[:100]!r}: is: is followed by {_any_of(('read', 'unread'))}.")
    return IsSeen(), opposite


def _code(value: str, shown: str, field: str) -> tuple[Column, bool]:
    if not value or "\x00" in value:  # which no text of Postgres has
        raise BadInput(field, f"{field}: {shown[:100]!r}: code: is followed by a code, as in code:482913.")
    return HasCode(value=value), False


def _moment(value: str, shown: str, field: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise BadInput(
            field,
            f"{field}: {shown[:100]!r}: not a date or a time, as in 2026-01-31 or 2026-01-31T12:00:00Z.",
        ) from None


def _before(value: str, shown: str, field: str) -> tuple[Column, bool]:
    return ReceivedBefore(moment=_moment(value, shown, field)), False


def _after(value: str, shown: str, field: str) -> tuple[Column, bool]:
    return ReceivedBefore(moment=_moment(value, shown, field)), True


def _octets(value: str, shown: str, field: str) -> int:
    size = _SIZE.fullmatch(value)
    if size is None:
        raise BadInput(field, f"{field}: {shown[:100]!r}: not a size, as in 20000, 500K or 2M.")
    return int(size[1]) * _UNITS[size[2].lower()]


def _larger(value: str, shown: str, field: str) -> tuple[Column, bool]:
    return LargerThan(octets=_octets(value, shown, field)), False


def _smaller(value: str, shown: str, field: str) -> tuple[Column, bool]:
    # Smaller than n means not larger than n - 1.
    return LargerThan(octets=_octets(value, shown, field) - 1), True


def _any_of(choices: tuple[str, ...]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


_COLUMNS: dict[str, _Read] = {
    "has": _has,
    "is": _is,
    "code": _code,
    "after": _after,
    "before": _before,
    "larger": _larger,
    "smaller": _smaller,
}
NAMES = (*_TEXT_FIELDS, *_COLUMNS)
