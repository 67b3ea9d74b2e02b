"""The candidates of a text: four to ten characters written as codes are, also with blanks or hyphens between."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fake_email.findings.code_words import Label

CANDIDATES = 200  # read in one text, so that hostile mail costs no more
LEAST, MOST = 4, 10  # characters
_MOST_GROUPS = 4  # five pairs are a French phone number

# All spaces and hyphens, characters without a width, and letters and digits of double width.
_ODD = re.compile(
    "[\u00a0\u00ad\u0130\u034f\u2007\u2009-\u200d\u2010\u2011\u202f\u2060\u3000\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"
)
_PLAIN = dict.fromkeys(map(ord, "\u00ad\u034f\u200b\u200c\u200d\u2060\ufeff"), "")
_PLAIN |= dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u200a\u202f\u3000"), " ")
_PLAIN |= {code: chr(code - 0xFEE0) for code in range(0xFF10, 0xFF5B) if chr(code - 0xFEE0).isalnum()}
_PLAIN |= {0x130: "I", 0x2010: "-", 0x2011: "-"}  # lower-case, U+0130 is two characters: all positions would move

_LETTERS = r"A-Za-z\u00c0-\u024f\u0400-\u04ff"
_DIGITS = re.compile(r"[0-9]+")
_BETWEEN = r"(?: {1,8}(?:[–-] {1,2})?|[\t|·-]|\n{1,2} {0,4})"
# Digits that may be a code or part of a code; short digits that stand alone are skipped at once.
_RUN = re.compile(
    r"[0-9](?<![0-9=/_&%?@+$€£#][0-9])(?:[0-9]{3}[0-9]*"
    rf"|(?<=[{_LETTERS}-][0-9])[0-9]{{0,2}}|[0-9]{{0,2}}(?=[A-Za-z]|{_BETWEEN}[0-9A-Z]))(?![0-9])"
)
_BOXES = re.compile(
    rf"[0-9A-Z](?:{_BETWEEN}[0-9A-Z]){{3,9}}(?![{_LETTERS}0-9_])(?!{_BETWEEN}[0-9]+(?![{_LETTERS}0-9]))"
)
_BOXES_BEFORE = re.compile(rf"(?<![{_LETTERS}0-9_])(?:[0-9A-Z]{_BETWEEN}){{1,9}}\Z")
_GROUPS = re.compile(
    r"[0-9]{2,5}(?:[ ·–-][0-9]{2,5}){1,5}(?![0-9])|[0-9]{3}  [0-9]{3}(?! {0,2}[0-9])"
)  # or two cells of a table
_WORD = re.compile(r"[0-9A-Za-z]{1,20}(?:-[0-9A-Za-z]{1,20}){0,4}")
_WORD_BACKWARDS = re.compile(r"[0-9A-Za-z-]{0,40}")
_CAPITALS = re.compile(r"(?<![\w@/.#&=-])[A-Z]{4,10}(?![\w@/=-])|(?<![\w@/.#&=-])[A-Z]{3,5}-[A-Z]{3,5}(?![\w@/=-])")

_PREFIXED = re.compile(r"(?:[A-Z]|FB)-([0-9]{4,8})")
_QUANTITY = re.compile(
    r"[0-9]+(?:st|nd|rd|th|h|hrs?|min|mins|px|pt|[kmgt]b|km|kg|mm|cm|ml|k|m|am|pm|x|s|ms|d|er|e|kwh|w|v)|(?:v|rev|ver)[0-9]+",
    re.IGNORECASE,
)
_MASKED = re.compile(r"[Xx]{3}|\A[Xx]{2}[0-9]")  # of a card, or a phone
_NAMED = re.compile(r"[A-Z]{3,}[0-9]{1,4}|[A-Za-z]{2,}-?[0-9]+|[0-9]+-?[A-Za-z]{1,3}|[A-Za-z]+-[0-9]+(?:-[0-9]+)*")
_AROUND = re.compile(r"[!-~]*+")
_FAR = 400  # characters of an address read
_ADDRESS = re.compile(r"://|www\.|@|\.[a-z]{2,}/")
_NOT_BEFORE = "#$€£¥₽₺₩₴₹№+@/\\=&~^%_©<•*"
_NOT_AFTER = "@/\\=&_%‰°€$£¥₽₺₩₴₹"
# Between the parts of a number, a time or an amount.
_BEFORE_DIGIT = re.compile(r"[0-9][.,:;'’/ –-]|[$€£¥₽₺₩₴₹№#+©] ")
_AFTER_DIGIT = re.compile(r"[.,:;'’/ –-][0-9]| [€$£¥₽₺₩₴₹%]")
_MASKED_BEHIND = re.compile(r"[ -]?[*xX•]{2}")  # the rest of a phone number
_AFTER_COMMA = re.compile(r",[0-9]{1,2} ?[分秒小时時天日个個]")  # "5 minutes": a clause of its own


class Candidate(NamedTuple):
    """A candidate: its position, the value that a person would type, and true when only words right beside it make
    it a code.
    """

    start: int
    end: int
    value: str
    is_unlikely: bool


def plain(text: str) -> str:
    """The text with ASCII characters for its other spaces, hyphens, letters and digits."""
    return text if text.isascii() or not _ODD.search(text) else text.translate(_PLAIN)


def candidates(text: str) -> Iterator[Candidate]:
    """The candidates with a digit, in order."""
    if not any(map(text.__contains__, "0123456789")):
        return  # ten times as fast as a search for a digit
    at = 0
    for _ in range(5 * CANDIDATES):
        run = _RUN.search(text, at)
        if run is None:
            return
        start, at, value, is_unlikely = _read(text, run.start(), run.end())
        if LEAST <= len(value.replace("-", "")) <= MOST:
            yield Candidate(start, at, value, is_unlikely)
        at = max(at, run.end())


def capitals(text: str, labels: Sequence[Label]) -> Iterator[Candidate]:
    """The candidates of capital letters only, near words for a code."""
    at = 0
    for label in labels:
        end = label.end + 300
        for word in _CAPITALS.finditer(text, max(at, label.start - 80), end):
            if word[0] not in _WORDS and word.end() < end:
                yield Candidate(word.start(), word.end(), word[0], is_unlikely=True)
        at = max(at, end)


def _read(text: str, start: int, end: int) -> tuple[int, int, str, bool]:
    """The fields of the candidate around this run of digits; its value is empty when it cannot be a code."""
    if end - start == 1:
        before = _BOXES_BEFORE.search(text, max(0, start - 60), start)
        boxes = _BOXES.match(text, before.start() if before else start)
        if boxes and boxes.end() >= end:
            value = "".join(filter(str.isalnum, boxes[0]))
            return boxes.start(), boxes.end(), "" if _is_count(value) else value, False
    groups = _GROUPS.match(text, start)
    if groups and not _is_letter(text[start - 1 : start]):
        digits = _DIGITS.findall(groups[0])
        is_even = len(digits) <= _MOST_GROUPS and len({len(each) for each in digits}) == 1
        return start, groups.end(), "".join(digits) if is_even else "", False
    before = _WORD_BACKWARDS.match(text[max(0, start - 40) : start][::-1])
    word = _WORD.match(text, start - before.end() if before else start)
    if word is None or word.end() < end:
        return start, end, "", False
    return word.start(), word.end(), *_value(word[0])


def _value(word: str) -> tuple[str, bool]:
    if word.isdecimal():
        return word, False
    prefixed = _PREFIXED.fullmatch(word)
    if prefixed:
        return prefixed[1], False
    if _QUANTITY.fullmatch(word) or _MASKED.search(word):
        return "", True
    return word, word != word.upper() or _NAMED.fullmatch(word) is not None


def _is_count(value: str) -> bool:
    """True for a count up or down, such as the scale under a question."""
    return value in "0123456789" or value in "9876543210"


def is_part(text: str, start: int, end: int) -> bool:
    """True for a part of a longer number, an amount, an address or a word."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    previous, following = before[-1:], after[:1]
    if previous in ("*", "<") and following in ("*", ">"):
        previous = following = ""
    return (
        _is_letter(previous)
        or _is_letter(following)
        or (previous != "" and previous in _NOT_BEFORE)
        or (following != "" and following in _NOT_AFTER)
        or (text[start].isdecimal() and _BEFORE_DIGIT.fullmatch(before) is not None)
        or (text[end - 1].isdecimal() and _AFTER_DIGIT.fullmatch(after) and not _AFTER_COMMA.match(text, end))
        or (_MASKED_BEHIND.match(text, end) and text[start - 1 : start] != "*")
        or _is_in_address(text, start, end)
    )


def _is_in_address(text: str, start: int, end: int) -> bool:
    backwards = _AROUND.match(text[max(0, start - _FAR) : start][::-1])
    onwards = _AROUND.match(text, end, end + _FAR)
    written = (backwards[0][::-1] if backwards else "") + (onwards[0] if onwards else "")
    return len(written) > 1 and _ADDRESS.search(written) is not None


def _is_letter(character: str) -> bool:
    return character <= "\u04ff" and (character.isalnum() or character == "_")


_WORDS = frozenset(
    """HTML HTTP HTTPS NOTE CODE YOUR THIS THAT HERE HELP SIGN EMAIL MAIL LOGIN ENTER VERIFY CONFIRM ACCOUNT SECURITY
    SALE SHOP CLICK PLEASE HELLO DEAR WITH FROM TEAM NEVER SHARE ONLY WARNING NOTICE IMPORTANT PASSWORD PASSCODE
    UNSUBSCRIBE ABOUT CONTACT TERMS PRIVACY SUPPORT ACCESS RESET RECOVER SUBMIT WELCOME STEAM USER FREE BOOK ORDER
    VIEW MORE READ OPEN STOP START LINK TIME DATE CASE JSON GMBH IBAN TOTP MFA VALID EXPIRES CODES HAVE WILL
    KODU KODUNUZ SIFRE CODIGO CODICE SENHA CLAVE KONTO HINWEIS WICHTIG DANKE MERCI ATTENTION IMPORTANTE AVISO NOTA
    ACHTUNG ANMELDEN ACCEDI ENTRAR ENTRA INLOGGEN VALIDER CONTINUE CONTINUER NEXT DOWNLOAD UPDATE INFO ALERT
    SINCERELY REGARDS COPY AUTO BANK CARD CALL MOBILETAN SMSTAN PUSHTAN NICHT NUNCA JAMAIS""".split()  # noqa: SIM905 - one a line is a page
)
