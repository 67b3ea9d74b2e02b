"""The CSS of a mail reduced to the properties and functions that a shown mail may have. Pure.

What is kept is written from the tokens that were checked, each as it was, so that a browser reads the same tokens. A
comment stays as a blank in a value, and as an empty comment elsewhere: without one, its neighbours could be one token
(CSS Syntax Level 3 §9). A declaration with an escape is refused, so that every name is as it looks.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import msgspec

from fake_email.html import css_tokens
from fake_email.html.css_tokens import SPACE, Token, tokens

# No `content`, which would put words into a mail; nothing that moves, or covers the content beside it.
PROPERTIES = frozenset(
    {"aspect-ratio", "border-collapse", "border-spacing", "box-shadow", "box-sizing", "caption-side", "clear", "color"}
    | {"column-gap", "direction", "display", "empty-cells", "float", "gap", "hyphens", "letter-spacing", "line-break"}
    | {"line-height", "list-style", "list-style-position", "list-style-type", "object-fit", "object-position"}
    | {"opacity", "order", "position", "quotes", "row-gap", "table-layout", "text-align", "text-align-last"}
    | {"text-decoration", "text-decoration-color", "text-decoration-line", "text-decoration-style"}
    | {"text-indent", "text-overflow", "text-shadow", "text-transform", "text-underline-offset", "unicode-bidi"}
    | {"vertical-align", "visibility", "white-space", "word-break", "word-spacing", "word-wrap", "writing-mode"}
    | {"background", "background-clip", "background-color", "background-image", "background-origin"}
    | {"background-position", "background-repeat", "background-size", "overflow", "overflow-wrap", "overflow-x"}
    | {"overflow-y", "align-content", "align-items", "align-self", "justify-content", "justify-items", "justify-self"}
    | {"flex", "flex-basis", "flex-direction", "flex-flow", "flex-grow", "flex-shrink", "flex-wrap"}
    | {"font", "font-family", "font-size", "font-stretch", "font-style", "font-variant", "font-weight"}
    | {"height", "max-height", "max-width", "min-height", "min-width", "width"}
    | {"margin", "margin-bottom", "margin-left", "margin-right", "margin-top"}
    | {"padding", "padding-bottom", "padding-left", "padding-right", "padding-top"}
    | {"outline", "outline-color", "outline-offset", "outline-style", "outline-width"}
    | {"-webkit-text-size-adjust", "text-size-adjust"}
    | {
        f"border{side}{what}"
        for side in ("", "-bottom", "-left", "-right", "-top")
        for what in ("", "-color", "-style", "-width")
    }
    | {f"border{corner}-radius" for corner in ("", "-bottom-left", "-bottom-right", "-top-left", "-top-right")}
)
FUNCTIONS = frozenset(
    {"calc", "clamp", "hsl", "hsla", "max", "min", "rgb", "rgba"}
    | {"linear-gradient", "radial-gradient", "repeating-linear-gradient", "repeating-radial-gradient"}
)

CHARACTERS = 262_144  # of one sheet
RULES = 5_000  # of one sheet; a long newsletter has some 300
_GROUPS = 4  # nested

# From the URL of an image to the URL that it may be shown from; None when it may not be shown.
Resolve = Callable[[str], str | None]

_RESOLVED = re.compile(r"[^\"'()\\\s<>{}]*+")
# The page holds the rules inside `style`, which ends at `</style` in a string, too.
_NEVER_IN_STRING = re.compile(r"[\\<>{}@\x00-\x1f]")
_POSITION = re.compile(r"(?:static|relative)(?:\s*!important)?", re.IGNORECASE)
_NO_IMAGE = "none"  # which keeps the rest of a shorthand, such as the colour behind an image
_AFTER_NAME = frozenset(SPACE + ",)!/*")  # no name goes on with one of these
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_GROUP_RULES = frozenset({"@media", "@supports"})


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a sheet, and the addresses of the sheets that it imports."""

    rules: str
    imports: tuple[str, ...]


def declarations(css: str, resolve: Resolve) -> str:
    """The allowed declarations of a style attribute."""
    return _declarations(tokens(css), ";", resolve)


def media_query(css: str) -> str:
    """The media of a style element, as they may stand after `@media`; empty when they may not."""
    return (_prelude(list(tokens(css))) or "").strip(SPACE)


def sheet(css: str, resolve: Resolve) -> Sheet:
    """The allowed rules of a style element, each still for its media."""
    imports: list[str] = []
    rules = "".join(_rules(tokens(css[:CHARACTERS]), resolve, imports))
    return Sheet(rules=rules, imports=tuple(imports))


def _rules(stream: Iterator[Token], resolve: Resolve, imports: list[str]) -> Iterator[str]:
    groups = 0
    for _ in range(RULES):
        first = _first(stream, is_top=not groups)
        at_rule = first[1].lower() if first[0] == "at" else ""
        read, end = _until(chain((first,), stream), "{" + (";" if at_rule else "") + ("}" if groups else ""))
        if end == "{":
            prelude = _prelude(read[1:] if at_rule else read)
            if at_rule in _GROUP_RULES and groups < _GROUPS and prelude is not None:
                groups += 1
                yield f"{at_rule}{prelude.rstrip(SPACE)}{{"
            elif at_rule or not prelude:
                _until(stream, "}")
            elif kept := _declarations(stream, ";}", resolve):
                yield f"{prelude.strip(SPACE)}{{{kept}}}"
        elif end == "}":
            groups -= 1
            yield "}"
        elif end != ";":
            break
        elif at_rule == "@import" and (imported := _imported(read)):
            imports.append(imported)
    yield "}" * groups


def _first(stream: Iterator[Token], *, is_top: bool) -> Token:
    """The token that a rule begins with."""
    for token in stream:
        type_, text = token
        if not (type_ == "comment" or (type_ == "html_comment" and is_top) or (type_ == "plain" and text.isspace())):
            return token
    return "plain", ""


def _imported(read: Sequence[Token]) -> str | None:
    rest = (token for token in read[1:] if token[0] != "comment" and not token[1].isspace())
    return css_tokens.address(next(rest, ("bad", "")))


def _until(stream: Iterable[Token], ends: str) -> tuple[list[Token], str | None]:
    """The tokens before one of these ends outside brackets, and the end; it is empty at the end of the source, and None
    where a bracket is open there.
    """
    read: list[Token] = []
    closers: list[str] = []
    for token in stream:
        type_, text = token
        if type_ == "punctuation":
            if not closers and text in ends:
                return read, text
            if closers and text == closers[-1]:
                closers.pop()
            elif text in _CLOSERS:
                closers.append(_CLOSERS[text])
        elif type_ == "function":
            closers.append(")")
        read.append(token)
    return read, None if closers else ""


def _prelude(read: Sequence[Token]) -> str | None:
    """The selectors of a rule, or the conditions of a group of rules; None when they are not allowed."""
    pieces: list[str] = []
    closers: list[str] = []
    for type_, text in read:
        if type_ == "punctuation":
            if text in _CLOSERS:
                closers.append(_CLOSERS[text])
            elif text in ")]" and (not closers or closers.pop() != text):
                return None
            if text in ";{}":
                return None
        elif type_ == "function" and "\\" not in text and text.lower() != "url(":
            closers.append(")")
        elif type_ == "string":
            if _NEVER_IN_STRING.search(text) or closers[-1:] != ["]"]:
                return None
        elif type_ not in {"plain", "comment"}:
            return None
        pieces.append("/**/" if type_ == "comment" else text)
    return None if closers else "".join(pieces)


def _declarations(stream: Iterator[Token], ends: str, resolve: Resolve) -> str:
    """The allowed declarations up to the end of their block, or of the source."""
    kept: list[str] = []
    end: str | None = ";"
    while end == ";":
        read, end = _until(stream, ends)
        if end is not None and (allowed := _declaration(read, resolve)):
            kept.append(allowed)
    return ";".join(kept)


def _declaration(read: Sequence[Token], resolve: Resolve) -> str:
    """The declaration with its images resolved; empty when it is not allowed."""
    name = ""
    for position, (type_, text) in enumerate(read):
        if type_ == "plain":
            name += text
        elif type_ == "comment":
            name += " "
        elif text == ":":
            name = name.strip(SPACE).lower()
            if name not in PROPERTIES:
                return ""
            value = _value(read[position + 1 :], resolve)
            if not value or (name == "position" and not _POSITION.fullmatch(value)):
                return ""
            return f"{name}:{value}"
        else:
            return ""
    return ""


def _value(read: Sequence[Token], resolve: Resolve) -> str:
    pieces: list[str] = []
    functions = 0  # open
    for token in read:
        type_, piece = token
        if type_ == "url":
            piece = _image(token, resolve)
        elif type_ == "comment":
            piece = " "
        elif type_ != "plain":
            functions += -1 if piece == ")" else type_ == "function"
            if functions < 0 or not _is_allowed(token):
                return ""
        if pieces and pieces[-1] == _NO_IMAGE and piece[0] not in _AFTER_NAME:
            pieces.append(" ")
        pieces.append(piece)
    return "".join(pieces).strip(SPACE)


def _is_allowed(token: Token) -> bool:
    type_, text = token
    match type_:
        case "function":
            return text[:-1].lower() in FUNCTIONS
        case "string":
            return not _NEVER_IN_STRING.search(text)
    return text == ")"


def _image(url: Token, resolve: Resolve) -> str:
    resolved = resolve(css_tokens.address(url) or "")
    return f'url("{resolved}")' if resolved and _RESOLVED.fullmatch(resolved) else _NO_IMAGE
