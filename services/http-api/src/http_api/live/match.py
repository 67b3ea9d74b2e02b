"""The clauses of a `wait` call, compared with a message. Pure."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec
import re2

from fake_email.storage.match_candidates import MatchCandidate
from http_api.protocol.errors import BadInput

Has = Literal["code", "link", "attachment"]

MAX_CHARACTERS = 500
# The time that RE2 takes grows with the text and with the program, and RE2 limits neither.
_MAX_PROGRAM = 1_500
_SEARCHED_OCTETS = 262_144
_COMPILER_OCTETS = 262_144
_STEP_CHARACTERS = 65_536
_MATCHER_OCTETS = 8_388_608

Matches = Callable[[str], bool]


class _Program(Protocol):
    programsize: int

    def search(self, text: bytes) -> object: ...


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of a `wait` call, under the `name` of its parameter."""

    name: str
    is_met: Callable[[MatchCandidate], bool]
    is_pattern: bool = False


def clauses(*, from_: str, subject: str, text: str, has: Sequence[Has], is_unseen: bool = False) -> list[Clause]:
    """The clauses that a message must meet, each once; "" asks for nothing.

    Raises BadInput for a pattern that RE2 refuses.
    """
    asked: list[Clause] = []
    if from_:
        is_from = _matches("from", from_)
        asked.append(
            Clause(
                name="from",
                is_met=lambda each: any(map(is_from, (each.from_header, each.from_address or each.reverse_path))),
                is_pattern=is_pattern(from_),
            )
        )
    if subject:
        is_subject = _matches("subject", subject)
        asked.append(
            Clause(name="subject", is_met=lambda each: is_subject(each.subject), is_pattern=is_pattern(subject))
        )
    asked.extend(
        Clause(name=f"has={each}", is_met={"code": _has_code, "link": _has_link, "attachment": _has_attachment}[each])
        for each in dict.fromkeys(has)
    )
    if is_unseen:
        asked.append(Clause(name="unseen", is_met=lambda each: not each.seen))
    if text:
        is_text = _matches("text", text)
        asked.append(Clause(name="text", is_met=lambda each: is_text(each.text), is_pattern=is_pattern(text)))
    return asked


def failed(asked: Sequence[Clause], candidate: MatchCandidate) -> list[str]:
    """The names of the clauses that are not met."""
    return [clause.name for clause in asked if not clause.is_met(candidate)]


def is_pattern(value: str) -> bool:
    """True for a regular expression, which stands between slashes."""
    return len(value) > 2 and value.startswith("/") and value.endswith("/")  # noqa: PLR2004  # both slashes


def _matches(field: str, value: str) -> Matches:
    """A test for texts that contain `value` in upper or lower case, or match its pattern; raises BadInput."""
    if len(value) > MAX_CHARACTERS:
        raise BadInput(field, f"{field}: longer than {MAX_CHARACTERS} characters.")
    if not is_pattern(value):
        folded = value.casefold()
        return lambda text: _has_folded(text, folded)
    pattern = value[1:-1].encode()
    try:
        program = _compiled(pattern, _COMPILER_OCTETS).programsize
    except re2.error as error:
        complaint = error.args[0] if error.args else b""
        reason = complaint.decode(errors="replace") if isinstance(complaint, bytes) else str(complaint)
        raise BadInput(field, f"{field}: not a regular expression of RE2: {reason[:200]}.") from None
    if program > _MAX_PROGRAM:
        raise BadInput(field, f"{field}: the regular expression is too large; use fewer or smaller repetitions.")
    # Compiled again for each search: RE2 keeps up to megabytes of a search, and would do so for every waiting call.
    return lambda text: _compiled(pattern, _MATCHER_OCTETS).search(text.encode()[:_SEARCHED_OCTETS]) is not None


def _has_folded(text: str, folded: str) -> bool:
    """Search the text, case-folded, in steps: for the whole of it, C code would hold the interpreter for tens of ms."""
    # No character folds to nothing, so a match reaches at most len(folded) characters into the next step.
    steps = range(0, max(len(text), 1), _STEP_CHARACTERS)
    return any(folded in text[at : at + _STEP_CHARACTERS + len(folded)].casefold() for at in steps)


def _compiled(pattern: bytes, octets: int) -> _Program:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.max_mem = octets
    program: _Program = re2.compile(pattern, options)
    re2.purge()  # its cache would keep the patterns of all clients
    return program


def _has_code(candidate: MatchCandidate) -> bool:
    return candidate.has_code


def _has_link(candidate: MatchCandidate) -> bool:
    return candidate.has_link


def _has_attachment(candidate: MatchCandidate) -> bool:
    return candidate.has_attachment
