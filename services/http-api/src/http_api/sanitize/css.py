"""The CSS of a mail reduced to the properties and functions that `allowlist` names. Pure.

A declaration with an escape is refused, so that every name is as it looks.
"""

import re
from collections.abc import Callable, Iterator

import msgspec

from http_api.sanitize import allowlist

CHARACTERS = 262_144  # of one sheet
RULES = 5_000  # of one sheet; a long newsletter has some 300
_GROUPS = 4  # nested

# From the URL of an image to the URL that it may be shown from; None when it may not be shown.
Resolve = Callable[[str], str | None]

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_DECLARATION = re.compile(r"(?:[^;\"'()]++|\"[^\"]*+\"?|'[^']*+'?|\((?:[^()\"']++|\"[^\"]*+\"?|'[^']*+'?)*+\)?|\))++")
_URL = re.compile(r"\burl\(\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\"'()\s]*+))\s*+\)", re.IGNORECASE)
_RESOLVED = re.compile(r"[^\"'()\\\s<>{}]*+")
_STRINGS = re.compile(r"\"[^\"\n]*+\"|'[^'\n]*+'")
_FUNCTION = re.compile(r"([\w-]*+)\(")
_NEVER = re.compile(r"[\\<>{}@\"'\x00-\x08\x0e-\x1f]")
_NEVER_IN_STRING = re.compile(r"[\\<>{}@\x00-\x1f]")
_POSITION = re.compile(r"(?:static|relative)(?:\s*!important)?", re.IGNORECASE)
_RULE = re.compile(r"([^{};]*+)([{};]|\Z)")
_BRACE = re.compile(r"[{}]")
_SELECTOR = re.compile(r"(?:[\w\s.#*:>+~,()^$|=-]|\[[^\[\]\"'\\<>{}]*+(?:\"[^\"\\<>{}]*+\"|'[^'\\<>{}]*+')?\s*+\])++")
_GROUP = re.compile(r"@(?:media|supports)\b[\w\s():,./>=%-]*+", re.IGNORECASE)
_IMPORT = re.compile(r"@import\s*+(?:url\(\s*+)?[\"']?([^\"'()\\\s]++)", re.IGNORECASE)


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a sheet, and the addresses of the sheets that it imports."""

    rules: str
    imports: tuple[str, ...]


def declarations(css: str, resolve: Resolve) -> str:
    """The allowed declarations of a style attribute, or of a rule."""
    kept: list[str] = []
    for piece in _DECLARATION.finditer(_COMMENT.sub("", css)):
        name, _, value = piece[0].partition(":")
        name = name.strip().lower()
        if name in allowlist.PROPERTIES:
            allowed = _value(name, value.strip(), resolve)
            if allowed:
                kept.append(f"{name}:{allowed}")
    return ";".join(kept)


def _value(name: str, value: str, resolve: Resolve) -> str:
    """The value with its images resolved; empty when it is not allowed."""
    if name == "position" and not _POSITION.fullmatch(value):
        return ""
    rest = _URL.sub("", value)
    outside = _STRINGS.sub("", rest)
    if _NEVER.search(outside) or any(_NEVER_IN_STRING.search(string[0]) for string in _STRINGS.finditer(rest)):
        return ""
    if outside.count("(") != outside.count(")"):
        return ""
    if any(function[1].lower() not in allowlist.FUNCTIONS for function in _FUNCTION.finditer(outside)):
        return ""
    return _URL.sub(lambda url: _image(url, resolve), value)


def _image(url: re.Match[str], resolve: Resolve) -> str:
    # `none` keeps the rest of a shorthand, such as the colour behind an image.
    resolved = resolve(url[1] or url[2] or url[3] or "")
    return f'url("{resolved}")' if resolved and _RESOLVED.fullmatch(resolved) else "none"


def sheet(css: str, resolve: Resolve) -> Sheet:
    """The allowed rules of a style element, each still for its media."""
    css = _COMMENT.sub("", css[:CHARACTERS])
    imports: list[str] = []
    return Sheet(rules="".join(_rules(css, resolve, imports)), imports=tuple(imports))


def _rules(css: str, resolve: Resolve, imports: list[str]) -> Iterator[str]:
    at = 0
    groups = 0
    for _ in range(RULES):
        rule = _RULE.match(css, at)
        if rule is None or at == len(css):
            break
        at = rule.end()
        prelude = rule[1].strip()
        if (
            rule[2] == "{"
            and groups < _GROUPS
            and _GROUP.fullmatch(prelude)
            and prelude.count("(") == prelude.count(")")
        ):
            groups += 1
            yield prelude + "{"
        elif rule[2] == "{":
            start, at = at, _end_of_block(css, at)
            body = css[start : at - 1] if css[at - 1 : at] == "}" else css[start:at]
            if _SELECTOR.fullmatch(prelude) and prelude.count("(") == prelude.count(")") and "{" not in body:
                allowed = declarations(body, resolve)
                if allowed:
                    yield f"{prelude}{{{allowed}}}"
        elif rule[2] == "}" and groups:
            groups -= 1
            yield "}"
        elif rule[2] == ";" and (imported := _IMPORT.match(prelude)):
            imports.append(imported[1])
    yield "}" * groups


def _end_of_block(css: str, position: int) -> int:
    """The end of the block that was opened before this position; an unclosed block goes on to the end."""
    depth = 1
    for brace in _BRACE.finditer(css, position):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.end()
    return len(css)
