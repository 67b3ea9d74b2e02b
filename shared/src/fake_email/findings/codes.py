"""The codes of a message, as a person would type them, each with the words that make it a code."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fake_email.findings import code_candidates, code_features, code_lexicon, code_score, code_type, code_zones
from fake_email.findings.code_candidates import LEAST, Candidate
from fake_email.findings.code_lexicon import KINDS
from fake_email.html import text as html_text
from fake_email.html import tokens
from fake_email.parsed_message import Code, CodeSource

CODES = 10  # of one message
CHARACTERS = 64 * 1024  # of a text read; further down are terms of use
EVIDENCE_CHARACTERS = 160
CANDIDATES = 32  # of one text with words for a code near; each takes some 60 µs
ASKED_CANDIDATES = 8  # of one text without such words, near words to enter something

_ENOUGH = 0.5
_BEGINNING = 600  # characters of a text that its subject speaks of
_NEAR_BEFORE, _NEAR_AFTER = 300, 200  # characters
_ASKED_CHARACTERS = 1000  # of a text without words for a code that are read
_ASKED_BEFORE, _ASKED_AFTER = 60, 30  # characters
_HTML_CHARACTERS = 256 * 1024  # read of HTML that is not in the text
_LINE_CHARACTERS = 300  # of a line read, on each side of a number
_ABOVE_CHARACTERS = 120  # of evidence, from the line above
_ENTER = KINDS.index("enter")
_ENTERED = frozenset(KINDS.index(kind) for kind in ("login", "pickup"))
_PROOF = frozenset(KINDS.index(kind) for kind in ("expire", "otp", "verify"))
_ASKED = frozenset(KINDS.index(kind) for kind in ("enter", "lock", "next", "pickup", "step"))

_REPLY = re.compile(
    r"\s*(?:re|r|aw|sv|antw|odp|ynt|res|rif|vs|vá|απ|σχετ|отв|відп|bls|bals|回复|答复|回覆|返信|회신|رد|השב|trả lời"
    r"|ตอบ(?:กลับ)?)\s*(?:\[\d+\]|\(\d+\))?[:：]",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"\s*(?:fwd?|wg|tr|rv|enc|i|vl|vb|fs|pd|továbbít(?:va|ás)|i̇?lt|trs|doorst|πρθ|πρώθ|пересл|пер|转发|轉寄|轉發|転送|전달"
    r"|إعادة توجيه|הועבר|העברה|chuyển tiếp|ส่งต่อ)\s*[:：]",
    re.IGNORECASE,
)
# The line above a quoted message: "On 2 Nov 2026, Ann <a@x.test> wrote:", "---- Original ----", or fields of a header.
_QUOTES = re.compile(
    r"^(?=.{0,120}(?:\d{4}|@)).{8,120}[:：]$|^-{2,12}[ \w]{5,40}-{2,12}$|(?:^[^\W\d_]{2,12} ?[:：] ?.{1,99}\n){3}",
    re.MULTILINE,
)
_LONE = re.compile(r"[ \t*_>\[(]*(?=[0-9A-Z -]*[0-9])[0-9A-Z](?:[ -]?[0-9A-Z]){3,9}[ \t*_\])]*")
_LONE_CHARACTERS = 20  # of a line with nothing but what may be a code
_YEAR = re.compile("20[0-3][0-9]")
_REFERENCE = re.compile(r"&#?\w{2,8};")
_PICTURE_BEFORE = re.compile(r"\balt\s*+=\s*+[\"']?[^\"'<>]{0,200}\Z", re.IGNORECASE)


class Weighed(NamedTuple):
    """A candidate with its features, and the text that it is in."""

    text: str
    candidate: Candidate
    features: list[str]
    is_subject: bool


def find(subject: str, text: str, html: str | None = None, unread: str = "") -> tuple[Code, ...]:
    """The codes of a message, best first, CODES at most; time and memory are bounded by CHARACTERS.

    The text may be the rendered HTML; `unread` is the HTML that is not in the text.
    """
    codes = _in_text(subject, text[:CHARACTERS], html or "", "text" if html is None or unread else "html")
    if not codes and unread and _may_have_code(subject, unread, text):
        codes = _in_text(subject, html_text.render(unread[:_HTML_CHARACTERS])[:CHARACTERS], unread, "html")
    return codes if html is None else _without_pictures(codes, html)


def speaks_of_codes(text: str) -> bool:
    """True for text with a word for a code, or with words at its beginning to enter something at a door or a login."""
    if code_lexicon.speaks_of_codes(text):
        return True
    return _tells_to_enter(code_lexicon.kinds(text[:_BEGINNING]))


def _tells_to_enter(found: Sequence[int]) -> bool:
    """True for kinds of words that tell to enter something at a door or a login."""
    return _ENTER in found and not _ENTERED.isdisjoint(found)


def _has_served(header: str, text: str) -> bool:
    """True for the header of a forwarded message, and its text with a word for a code that proves something once."""
    is_header = header[0] == "-" or (header[-1] == "\n" and "@" in header)
    return is_header and not _PROOF.isdisjoint(code_lexicon.kinds(text))


def _asks(text: str) -> bool:
    """True for text with a word for entering something, for a lock, or for going on."""
    return not _ASKED.isdisjoint(code_lexicon.kinds(text))


def _has_lone(text: str) -> bool:
    """True for text with a line that has nothing but what may be a code, with a digit."""
    return any(
        _LONE.fullmatch(line) for line in [each for each in text.split("\n") if LEAST <= len(each) <= _LONE_CHARACTERS]
    )


def _worth_reading(subject: str, text: str) -> tuple[str, bool] | None:
    """The part of a text in which a code may be, and true when the message has no word for a code; None without one."""
    whole = f"{subject}\n{text}"
    if not code_candidates.may_have_any(whole):
        return None
    if code_lexicon.speaks_of_codes(whole):
        return text, False
    kinds = code_lexicon.kinds(whole[:_BEGINNING])
    if _tells_to_enter(kinds):
        return text, False
    text = text[:_ASKED_CHARACTERS]
    return None if _ASKED.isdisjoint(kinds) and not _has_lone(text) else (text, True)


def weigh(subject: str, text: str, markup: str) -> list[Weighed]:
    """The candidates of a message that may be codes, with their features."""
    worth_reading = _worth_reading(subject, text)
    if worth_reading is None:
        return []
    text, is_asked = worth_reading
    head, body = code_candidates.plain(subject), code_candidates.plain(text)
    is_reply, is_forwarded = (pattern.match(head) is not None for pattern in (_REPLY, _FORWARDED))
    quotes = _QUOTES.search(body) if is_reply or is_forwarded or body[:3] == "---" else None
    if quotes and is_forwarded and not _has_served(quotes[0], body[quotes.end() :][:_BEGINNING]):
        quotes = None
    here = f"{head}\n{body[: quotes.start()] if quotes else body}"
    found = [
        each for each in code_candidates.read(here) if not ((is_reply or is_forwarded) and each.start <= len(head))
    ]
    if not found:
        return []
    near_words = _near_asked(here, found) if is_asked else _near_words(here, head, found)
    may_be = [*itertools.islice(near_words, ASKED_CANDIDATES if is_asked else CANDIDATES)]
    if not may_be:
        return []
    read = code_features.read(here, len(head) + 1, found)
    weighed = [
        Weighed(
            here,
            each,
            [*code_features.of(read, each), *code_type.of(markup, here[each.start : each.end])],
            is_subject=each.start <= len(head),
        )
        for each in may_be
    ]
    for each in weighed:
        each.features.extend(code_features.asked(each.features) if is_asked else ())
        each.features.extend(("in a reply",) if is_reply else ())
    near = {each.candidate.value for each in weighed if code_features.NEAR_CODE in each.features}
    for each in weighed:
        if near - {each.candidate.value}:
            each.features.append("rival, as near" if each.candidate.value in near else "rival")
    return weighed


def _near_words(text: str, head: str, found: Iterable[Candidate]) -> Iterator[Candidate]:
    """The candidates outside quoted lines with a word near that says what codes are for, or to enter something."""
    spoken_of = len(head) + (_BEGINNING if speaks_of_codes(head) else 0)
    for each in found:
        near = text[max(0, each.start - _NEAR_BEFORE) : each.end + _NEAR_AFTER]
        if not _is_quoted(text, each) and (
            each.start <= spoken_of or speaks_of_codes(near) or _is_asked_for(text, each)
        ):
            yield each


def _near_asked(text: str, found: Iterable[Candidate]) -> Iterator[Candidate]:
    """The candidates outside quoted lines that are asked for, or alone on their line; a year of our time is none."""
    for each in found:
        if (
            not _YEAR.fullmatch(each.value)
            and (_is_asked_for(text, each) or code_zones.is_alone(text, each))
            and not _is_quoted(text, each)
        ):
            yield each


def _is_asked_for(text: str, candidate: Candidate) -> bool:
    return _asks(text[max(0, candidate.start - _ASKED_BEFORE) : candidate.end + _ASKED_AFTER])


def _is_quoted(text: str, candidate: Candidate) -> bool:
    is_marked = text.startswith((" <", "<"), candidate.end)  # ">> 7YQ2MD <<"
    return not is_marked and text.startswith(">", text.rfind("\n", 0, candidate.start) + 1)


def _in_text(subject: str, text: str, markup: str, source: CodeSource) -> tuple[Code, ...]:
    best: dict[str, Code] = {}
    for each in weigh(subject, text, markup):
        confidence = round(code_score.likelihood(each.features), 2)
        known = best.get(each.candidate.value)
        if confidence >= _ENOUGH and (known is None or known.confidence < confidence):
            best[each.candidate.value] = Code(
                value=each.candidate.value,
                confidence=confidence,
                evidence=_evidence(each.text, each.candidate),
                source="subject" if each.is_subject else source,
            )
    return tuple(sorted(best.values(), key=lambda code: -code.confidence)[:CODES])


def _may_have_code(subject: str, markup: str, text: str) -> bool:
    """True for HTML with words for a code and with a candidate that is not in the text."""
    fragment = markup[max(0, markup.find("<body")) :][:CHARACTERS]
    if not speaks_of_codes(f"{subject}\n{fragment}"):
        return False  # most newsletters, in a tenth of the time that their tags take
    words = code_candidates.plain(_REFERENCE.sub(" ", tokens.without_tags(fragment)))
    return speaks_of_codes(f"{subject}\n{words}") and any(
        candidate.value not in text and words[candidate.start : candidate.end] not in text
        for candidate in code_candidates.read(words)
    )


def _without_pictures(codes: tuple[Code, ...], markup: str) -> tuple[Code, ...]:
    """The codes without those that stand only in the alternative text of a picture."""
    return tuple(code for code in codes if "[" not in code.evidence or not _is_in_picture(code.value, markup))


def _is_in_picture(value: str, markup: str) -> bool:
    at = markup.find(value)
    return at >= 0 and _PICTURE_BEFORE.search(markup, max(0, at - _LINE_CHARACTERS), at) is not None


def _evidence(text: str, candidate: Candidate) -> str:
    """The line of the candidate; a candidate alone on its line has the line above in front."""
    start = max(text.rfind("\n", 0, candidate.start) + 1, candidate.start - EVIDENCE_CHARACTERS // 2)
    end = text.find("\n", candidate.end)
    end = min(end if end >= 0 else len(text), start + EVIDENCE_CHARACTERS)
    line = " ".join(text[start : max(end, candidate.end)].split())
    if len(line) <= candidate.end - candidate.start + 2:
        for above in itertools.islice(code_zones.lines_above(text, start), 1):
            line = f"{' '.join(above.split())[-_ABOVE_CHARACTERS:]} {line}"
    return line[:EVIDENCE_CHARACTERS]
