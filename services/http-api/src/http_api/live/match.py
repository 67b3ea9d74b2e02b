"""Is this the message that somebody waits for? What was asked for, held against a message. Pure."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec
import re2

from fake_email.storage.match_candidates import MatchCandidate
from http_api.protocol.problems import BadInput

Has = Literal["code", "link", "attachment"]

MAX_CHARACTERS = 500
# RE2 takes time in proportion to text and program, and neither has a bound of its own.
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
    """One thing that was asked for: the parameter that asked, and what has to be so."""

    name: str
    is_met: Callable[[MatchCandidate], bool]
    is_pattern: bool = False


def clauses(*, from_: str, subject: str, text: str, has: Sequence[Has]) -> list[Clause]:
    """What a message has to be; "" asks for nothing. Raises BadInput for a pattern that is none."""
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
        for each in has
    )
    if text:
        is_text = _matches("text", text)
        asked.append(Clause(name="text", is_met=lambda each: is_text(each.text), is_pattern=is_pattern(text)))
    return asked


def failed(asked: Sequence[Clause], candidate: MatchCandidate) -> list[str]:
    """The names of the clauses that are not met."""
    return [clause.name for clause in asked if not clause.is_met(candidate)]


def is_pattern(value: str) -> bool:
    """Whether it is a regular expression: it stands between slashes."""
    return len(value) > 2 and value.startswith("/") and value.endswith("/")  # noqa: PLR2004  # both slashes


def _matches(field: str, value: str) -> Matches:
    """Whether a text has `value` in it; case does not matter."""
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
    # Compiled anew each time: what RE2 keeps of a search may be megabytes, for every client that waits.
    return lambda text: _compiled(pattern, _MATCHER_OCTETS).search(text.encode()[:_SEARCHED_OCTETS]) is not None


def _has_folded(text: str, folded: str) -> bool:
    """Whether `folded` is in the text as casefold() makes it, in steps, since the whole may take C tens of ms."""
    # No character folds to none, so what is looked for reaches no further into the next step than this.
    steps = range(0, max(len(text), 1), _STEP_CHARACTERS)
    return any(folded in text[at : at + _STEP_CHARACTERS + len(folded)].casefold() for at in steps)


def _compiled(pattern: bytes, octets: int) -> _Program:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.max_mem = octets
    program: _Program = re2.compile(pattern, options)
    re2.purge()  # it would remember every pattern of every client
    return program


def _has_code(candidate: MatchCandidate) -> bool:
    return candidate.has_code


def _has_link(candidate: MatchCandidate) -> bool:
    return candidate.has_link


def _has_attachment(candidate: MatchCandidate) -> bool:
    return candidate.has_attachment
