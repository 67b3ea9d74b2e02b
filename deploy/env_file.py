"""Read and rewrite the environment file of the units as systemd does (systemd.exec(5), EnvironmentFile=)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PATH = Path("/etc/fake-email/env")

# Only \n and \r end a line. str.splitlines knows eight more characters, which for systemd are part of a value.
_PIECE = re.compile(
    r"""
      [ \t\n\r]+
    | (?P<comment> [#;][^\n\r]* [\n\r]? )
    | (?P<name> [^\n\r][^=\n\r]* ) =
        (?P<quoted> (?: [ \t]* (?: '[^']*' | "(?:[^"\\]|\\.)*" ) )* )
        (?: [ \t]* (?P<open> '[^']* | "(?:[^"\\]|\\.)*\\? ) \Z )?
        [ \t]* (?P<plain> (?:[^\\\n\r]|\\.)* ) (?P<joins> \\\Z )? [\n\r]?
    | [^\n\r]+ [\n\r]?
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r"""'([^']*)'?|"((?:[^"\\]|\\.)*)(?:"|\\?\Z)""", re.DOTALL)
_ESCAPED_IN_QUOTES = re.compile(r'\\(?:(["\\`$])|\n)')
_ESCAPED = re.compile(r"\\(?:([^\n\r])|.)", re.DOTALL)
_SPACES_AT_END = re.compile(r"((?:[^\\]|\\.)*?)[ \t]*\Z", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[A-Za-z0-9@%:/.,*?&=+~_!()\[\]|^-]*")
_TO_ESCAPE = re.compile(r'(["\\`$])')


class Unclear(ValueError):
    """Releases of systemd differ on the meaning of the file; the text names the line."""


class _Assignment(NamedTuple):
    """`text` is the assignment as it is in the file, with the end of its last line."""

    name: str
    value: str
    text: str
    is_open: bool  # the file ends within the value: a line added there would belong to the value


def read(text: str) -> dict[str, str]:
    """The variables that `text` sets; of several assignments the last one counts. Raises Unclear."""
    return {each.name: each.value for each in _parse(text) if isinstance(each, _Assignment)}


def changed(text: str, values: Mapping[str, str]) -> str:
    """`text` with these variables set, each once; all else, comments included, is unchanged. Raises Unclear."""
    pieces, missing = [""], dict(values)
    for each in _parse(text):
        if isinstance(each, str):
            pieces.append(each)
        elif each.name in missing or each.name not in values:
            value = missing.pop(each.name, each.value)
            is_kept = value == each.value and not each.is_open
            pieces.append(each.text if is_kept else _encoded(each.name, value))
    if not pieces[-1].endswith(("\n", "\r")):
        pieces.append("\n" if pieces[-1] else "")
    return "".join([*pieces, *(_encoded(name, value) for name, value in missing.items())])


def _encoded(name: str, value: str) -> str:
    encoded = value if _PLAIN.fullmatch(value) else '"' + _TO_ESCAPE.sub(r"\\\1", value) + '"'
    return f"{name}={encoded}\n"


def _parse(text: str) -> Iterator[_Assignment | str]:
    """The assignments, and the text around them as it is, in their order."""
    for piece in _PIECE.finditer(text):
        if (piece["comment"] or "").rstrip("\n\r").endswith("\\"):
            number = text.count("\n", 0, piece.start()) + 1
            raise Unclear(f"line {number} is a comment that ends with \\; systemd before 254 joins the next line to it")
        name = (piece["name"] or "").rstrip(" \t")
        if _NAME.fullmatch(name):
            yield _Assignment(name, _value(piece), piece[0], _is_open(piece))
        elif not _is_open(piece):  # the next line would belong to this one, which sets nothing
            yield piece[0]


def _is_open(piece: re.Match[str]) -> bool:
    plain = piece["plain"] or ""
    is_joined = plain.endswith(("\n", "\r")) and piece[0].endswith(plain)
    return is_joined or piece["joins"] is not None or piece["open"] is not None


def _value(piece: re.Match[str]) -> str:
    """The value of an assignment: quoted parts, then the rest of the line, where quotes are not special."""
    quoted = _QUOTED.finditer((piece["quoted"] or "") + (piece["open"] or ""))
    parts = [each[1] if each[2] is None else _ESCAPED_IN_QUOTES.sub(r"\1", each[2]) for each in quoted]
    plain = piece["plain"] or ""
    if not piece["joins"]:
        plain = _SPACES_AT_END.sub(r"\1", plain, count=1)
    return "".join([*parts, _ESCAPED.sub(r"\1", plain)])
