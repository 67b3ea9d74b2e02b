"""The clauses of a search, compared with the values of a message. Pure."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Protocol

import msgspec
import re2

from fake_email.storage.match_candidates import MatchCandidate, Need, Needs
from fake_email.storage.message_conditions import Column, Has, HasAny, HasCode, IsSeen, LargerThan, ReceivedBefore
from http_api.live.search_language import Term, TextField, TextTerm
from http_api.protocol.errors import BadInput

MAX_CHARACTERS = 500
# The time that RE2 takes grows with the text and with the program, and RE2 limits neither.
_MAX_PROGRAM = 1_500
_SEARCHED_OCTETS = 262_144
_COMPILER_OCTETS = 262_144
_STEP_CHARACTERS = 65_536
_MATCHER_OCTETS = 8_388_608

# True if one of the texts matches.
Matches = Callable[[Iterable[str]], bool]


class _Program(Protocol):
    programsize: int

    def search(self, text: bytes) -> object: ...


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of a search, under the name that near misses give it."""

    name: str
    is_met: Callable[[MatchCandidate], bool]
    needs: Needs = frozenset()
    is_pattern: bool = False


def clauses(
    *,
    from_: str = "",
    subject: str = "",
    text: str = "",
    has: Sequence[Has] = (),
    is_unseen: bool = False,
    query: Sequence[Term] = (),
) -> list[Clause]:
    """The clauses that a message must meet, each once; "" asks for nothing.

    Raises BadInput for a pattern that RE2 refuses.
    """
    asked: list[Clause] = []
    if from_:
        asked.append(_text_clause("from", _term("from", from_)))
    if subject:
        asked.append(_text_clause("subject", _term("subject", subject)))
    asked.extend(Clause(name=f"has={each}", is_met=_column_test(HasAny(what=each))) for each in dict.fromkeys(has))
    if is_unseen:
        asked.append(Clause(name="unseen", is_met=lambda each: not each.seen))
    if text:
        asked.append(_text_clause("text", _term("text", text)))
    asked.extend(query_clause(term) for term in query)
    return asked


def needs(asked: Iterable[Clause]) -> Needs:
    """The fields that some of the clauses need, and that are read for them alone."""
    return frozenset[Need]().union(*(clause.needs for clause in asked))


def query_clause(term: Term) -> Clause:
    """The clause of one term of a query; raises BadInput for a pattern that RE2 refuses."""
    if isinstance(term, TextTerm):
        return _text_clause("query", term, name=term.shown)
    is_met = _column_test(term.condition.column)
    if not term.condition.is_negated:
        return Clause(name=term.shown, is_met=is_met)
    return Clause(name=term.shown, is_met=lambda each: not is_met(each))


def _term(field: TextField, value: str) -> TextTerm:
    """The term of a parameter, which is a pattern when it stands between slashes."""
    is_pattern = len(value) > 2 and value.startswith("/") and value.endswith("/")  # noqa: PLR2004  # both slashes
    return TextTerm(
        field=field,
        value=value[1:-1] if is_pattern else value,
        is_pattern=is_pattern,
        is_negated=False,
        shown=value,
    )


def _text_clause(parameter: str, term: TextTerm, *, name: str = "") -> Clause:
    matches = _matches(parameter, term)
    texts = _TEXTS[term.field]
    return Clause(
        name=name or parameter,
        is_met=lambda each: matches(texts(each)) is not term.is_negated,
        needs=_NEEDS.get(term.field, frozenset()),
        is_pattern=term.is_pattern,
    )


def _sender(each: MatchCandidate) -> tuple[str, ...]:
    return each.from_header, each.from_address or each.reverse_path


def _lines(people: str) -> tuple[str, ...]:
    return tuple(people.split("\n")) if people else ()


_TEXTS: dict[TextField, Callable[[MatchCandidate], tuple[str, ...]]] = {
    "from": _sender,
    "to": lambda each: (each.recipient, *_lines(each.to_people)),
    "cc": lambda each: _lines(each.cc_people),
    "reply-to": lambda each: _lines(each.reply_to_people),
    "subject": lambda each: (each.subject,),
    "text": lambda each: (each.text,),
    "any": lambda each: (*_sender(each), each.recipient, each.subject, each.text),
}


_NEEDS: dict[TextField, Needs] = {
    "any": frozenset({"text"}),
    "text": frozenset({"text"}),
    "to": frozenset({"people"}),
    "cc": frozenset({"people"}),
    "reply-to": frozenset({"people"}),
}


def _column_test(column: Column) -> Callable[[MatchCandidate], bool]:
    """The test that storage.message_conditions makes of the same condition in SQL."""
    match column:
        case HasAny(what=what):
            is_met = _HAS[what]
        case IsSeen():
            is_met = attrgetter("seen")
        case HasCode(value=value):
            is_met = lambda each: value in each.codes  # noqa: E731  # as short as the others
        case ReceivedBefore(moment=moment):
            is_met = lambda each: each.received_at < moment  # noqa: E731
        case LargerThan(octets=octets):
            is_met = lambda each: each.octets > octets  # noqa: E731
    return is_met


_HAS: dict[Has, Callable[[MatchCandidate], bool]] = {
    "code": lambda each: bool(each.codes),
    "link": lambda each: each.has_link,
    "attachment": lambda each: each.has_attachment,
}


def failed(asked: Sequence[Clause], candidate: MatchCandidate) -> list[str]:
    """The names of the clauses that are not met."""
    return [clause.name for clause in asked if not clause.is_met(candidate)]


def _matches(field: str, term: TextTerm) -> Matches:
    """A test for texts of which one contains the term's text in upper or lower case, or matches its pattern.

    Raises BadInput for a pattern that RE2 refuses.
    """
    if len(term.value) > MAX_CHARACTERS:
        raise BadInput(field, f"{field}: longer than {MAX_CHARACTERS} characters.")
    if not term.is_pattern:
        folded = term.value.casefold()
        return lambda texts: any(_has_folded(text, folded) for text in texts)
    pattern = term.value.encode()
    try:
        program = _compiled(pattern, _COMPILER_OCTETS).programsize
    except re2.error as error:
        complaint = error.args[0] if error.args else b""
        reason = complaint.decode(errors="replace") if isinstance(complaint, bytes) else str(complaint)
        raise BadInput(field, f"{field}: not a regular expression of RE2: {reason[:200]}.") from None
    if program > _MAX_PROGRAM:
        raise BadInput(field, f"{field}: the regular expression is too large; use fewer or smaller repetitions.")

    def search(texts: Iterable[str]) -> bool:
        # Compiled again for each message: RE2 keeps up to megabytes of a search, and would for every waiting call.
        compiled = _compiled(pattern, _MATCHER_OCTETS)
        return any(compiled.search(text.encode()[:_SEARCHED_OCTETS]) is not None for text in texts)

    return search


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
