"""The tokens of CSS as CSS Syntax Level 3 §4 reads them, one character after the other: slow, and nothing of ours."""

import re
from typing import Literal

import msgspec

Type = Literal[
    "whitespace", "comment", "string", "bad-string", "url", "bad-url", "function", "ident", "at-keyword", "hash",
    "number", "percentage", "dimension", "CDO", "CDC", "delim", ":", ";", ",", "(", ")", "[", "]", "{", "}",
]  # fmt: skip

_SPACE = " \t\n"
_HEX = "0123456789abcdefABCDEF"
_NUMBER = re.compile(r"[+-]?(?:[0-9]*\.)?[0-9]+(?:[eE][+-]?[0-9]+)?")
_NON_PRINTABLE = re.compile(r"[\0-\x08\x0b\x0e-\x1f\x7f]")


class Token(msgspec.Struct, frozen=True):
    """A token with its decoded value; the punctuation has itself as its type."""

    type: Type
    value: str = ""


def tokens(css: str) -> list[Token]:
    """All tokens; comments, which are none, among them."""
    reading = _Reading(re.sub("\r\n|\r|\f", "\n", css).replace("\0", "\ufffd"))  # §3.3
    read = []
    while reading.at < len(reading.css):
        read.append(reading.token())
    return read


def _is_start(character: str) -> bool:
    return character.isascii() is False or character.isalpha() or character == "_"


def _is_name(character: str) -> bool:
    return character != "" and (_is_start(character) or character.isdigit() or character == "-")


class _Reading:
    def __init__(self, css: str) -> None:
        self.css = css
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        return self.css[self.at + ahead : self.at + ahead + 1]

    def take(self) -> str:
        taken = self.peek()
        self.at += 1
        return taken

    def token(self) -> Token:
        if self.css.startswith("/*", self.at):
            end = self.css.find("*/", self.at + 2)
            self.at = len(self.css) if end < 0 else end + 2
            return Token("comment")
        if self.peek() in _SPACE:
            self.skip_space()
            return Token("whitespace")
        if self.peek() in "\"'":
            return self.string(self.take())
        return self.name_or_number() or self.mark()

    def name_or_number(self) -> Token | None:
        if number := _NUMBER.match(self.css, self.at):
            return self.number(number)
        if self.css.startswith("-->", self.at):
            return None
        if self.is_ident():
            return self.ident_like()
        if self.peek() == "#" and (_is_name(self.peek(1)) or self.is_escape(1)):
            self.at += 1
            return Token("hash", self.name())
        if self.peek() == "@" and self.is_ident(1):
            self.at += 1
            return Token("at-keyword", self.name())
        return None

    def mark(self) -> Token:
        marks: tuple[tuple[str, Type], ...] = (("-->", "CDC"), ("<!--", "CDO"))
        for mark, type_ in marks:
            if self.css.startswith(mark, self.at):
                self.at += len(mark)
                return Token(type_)
        match character := self.take():
            case ":" | ";" | "," | "(" | ")" | "[" | "]" | "{" | "}":
                return Token(character)
        return Token("delim", character)

    def is_escape(self, ahead: int = 0) -> bool:
        return self.peek(ahead) == "\\" and self.peek(ahead + 1) != "\n"

    def is_ident(self, ahead: int = 0) -> bool:
        if self.peek(ahead) == "-":
            return self.peek(ahead + 1) == "-" or self._starts(ahead + 1)
        return self._starts(ahead)

    def _starts(self, ahead: int) -> bool:
        return (self.peek(ahead) != "" and _is_start(self.peek(ahead))) or self.is_escape(ahead)

    def skip_space(self) -> None:
        while self.peek() and self.peek() in _SPACE:
            self.at += 1

    def escape(self) -> str:
        """The character of an escape whose back slash was taken."""
        digits = ""
        while len(digits) < 6 and self.peek() and self.peek() in _HEX:
            digits += self.take()
        if not digits:
            return self.take() or "\ufffd"
        if self.peek() and self.peek() in _SPACE:
            self.at += 1
        number = int(digits, 16)
        return "\ufffd" if number == 0 or 0xD800 <= number <= 0xDFFF or number > 0x10FFFF else chr(number)

    def name(self) -> str:
        read = ""
        while True:
            if _is_name(self.peek()):
                read += self.take()
            elif self.is_escape():
                self.at += 1
                read += self.escape()
            else:
                return read

    def string(self, quote: str) -> Token:
        value = ""
        while (character := self.peek()) not in {quote, ""}:
            if character == "\n":
                return Token("bad-string")
            self.at += 1
            if character != "\\":
                value += character
            elif self.peek() == "\n":
                self.at += 1
            elif self.peek():
                value += self.escape()
        self.at += 1
        return Token("string", value)

    def number(self, number: re.Match[str]) -> Token:
        self.at = number.end()
        if self.is_ident():
            return Token("dimension", f"{number[0]} {self.name()}")
        if self.peek() == "%":
            self.at += 1
            return Token("percentage", number[0])
        return Token("number", number[0])

    def ident_like(self) -> Token:
        name = self.name()
        if self.peek() != "(":
            return Token("ident", name)
        self.at += 1
        if name.lower() != "url":
            return Token("function", name)
        ahead = 0
        while self.peek(ahead) and self.peek(ahead) in _SPACE:
            ahead += 1
        if self.peek(ahead) in {'"', "'"}:
            return Token("function", name)
        self.skip_space()
        return self.url()

    def url(self) -> Token:
        value = ""
        while True:
            if self.peek() in {")", ""}:
                self.at += 1
                return Token("url", value)
            if self.peek() in _SPACE:
                self.skip_space()
                if self.peek() in {")", ""}:
                    continue
                return self.bad_url()
            is_half = self.peek() == "\\" and not self.is_escape()
            if self.peek() in "\"'(" or is_half or _NON_PRINTABLE.match(self.peek()):
                return self.bad_url()
            if self.is_escape():
                self.at += 1
                value += self.escape()
            else:
                value += self.take()

    def bad_url(self) -> Token:
        while (character := self.take()) not in {")", ""}:
            if character == "\\" and self.peek() != "\n":
                self.escape()
        return Token("bad-url")
