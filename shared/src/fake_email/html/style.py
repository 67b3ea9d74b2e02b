"""The effects of one tag's own style on text: hidden, shown again, on lines of its own, its blanks kept. Pure.

Style sheets are not read.
"""

import functools
import itertools
import re
import string
from typing import Literal, NamedTuple

from fake_email.html import tag_attributes

ATTRIBUTES = 200  # of one tag read
VALUE_CHARACTERS = 16_384  # of an attribute read
_CACHED_CHARACTERS = 1024

# The ways to hide text, as bits. Elements inside cannot undo the first; they can undo the others.
GONE, INVISIBLE, NO_SIZE = 1, 2, 4

# Empty: as the element's name has it. A "box" is in the line, with blocks inside; "flex" has its children on lines.
Display = Literal["line", "in line", "box", "cell", "flex", ""]
Space = Literal["kept", "lines", "normal", ""]  # the blanks and the ends of lines in text are kept, or the ends alone

_DIFFERENT = frozenset({"a", "area", "img"})  # their tags differ from each other, their styles do not
# The attributes of most tags, and the first value of `style`.
_OTHERS = r"(?>(?: (?!style=|hidden=|size=)[a-z-]++=\"[^\"]*+\"){0,1000})"
_USUAL = re.compile(rf"{_OTHERS}(?: style=\"([^\"]{{0,{VALUE_CHARACTERS}}}+)\"{_OTHERS})? ?/?")
_SHEET = re.compile(r"<(?:[sS][tT][yY][lL][eE]|[lL][iI][nN][kK])[\t\n\f\r />]")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_DECLARATION = re.compile(r"(?>(?:[^;\"'()]++|\"[^\"]*+\"?|'[^']*+'?|\([^()]*+\)?|\)){1,100})")
_IMPORTANT = re.compile(r"\s*+!\s*+important\Z")
_ZERO = re.compile(r"[+-]?(?:0+\.?0*|\.0+)(?:[a-z]+)?")
_FONT_SIZE = re.compile(
    r"(?<![\w./#-])(?:(\d++(?:\.\d*+)?|\.\d++)([a-z%]*+)|(?:xx?x?-)?(?:small|large)(?!er)|medium)(?![\w-])"
)
_RELATIVE = frozenset({"em", "ex", "ch", "%"})
_DISPLAYS: dict[str, Display] = {
    **dict.fromkeys(("flex", "grid", "-webkit-flex", "-ms-flexbox"), "flex"),
    **dict.fromkeys(("block", "list-item", "table", "table-row", "flow-root", "-webkit-box"), "line"),
    **dict.fromkeys(("inline-block", "inline-table", "inline-flex", "inline-grid"), "box"),
    **dict.fromkeys(("inline", "contents", "initial", "unset"), "in line"),
    **dict.fromkeys(("none", "inherit", "revert", "table-caption", "table-column", "table-column-group"), ""),
    **dict.fromkeys(("table-row-group", "table-header-group", "table-footer-group", "run-in", "ruby"), ""),
    "table-cell": "cell",
}
_SPACES: dict[str, Space] = {
    **dict.fromkeys(("pre", "pre-wrap", "-moz-pre-wrap", "break-spaces"), "kept"),
    "pre-line": "lines",
    "normal": "normal",
}
_OUT_OF_LINE = {"float": frozenset({"left", "right"}), "position": frozenset({"absolute", "fixed"})}
# Words that may hide something, in lower case. One pattern for all takes ten times as long.
_BLANKS = r"(?:\s|/\*[^*]{0,99}\*/){0,9}+"
_MAY_HIDE = (
    re.compile(rf"display\s*+:{_BLANKS}none"),
    re.compile(rf"visibility\s*+:{_BLANKS}(?:hidden|collapse)"),
    re.compile(rf"opacity\s*+:{_BLANKS}[+-]?[0.]"),
    re.compile(rf"height\s*+:{_BLANKS}[+-]?[0.]"),
    re.compile(r"hidden[\s=>/]"),
)


class Style(NamedTuple):
    """The reasons to hide the text of an element, the reasons that it shows again, its display and its white space."""

    hides: int = 0
    shows: int = 0
    display: Display = ""
    space: Space = ""


PLAIN = Style()
_WINDOW, _OVERLAP = 32_768, 1_024  # characters
_LOW = {ord(letter): letter.lower() for letter in string.ascii_uppercase}  # each letter in its place


def read(name: str, attributes: str) -> Style:
    """The style of a start tag with these attributes, by its attributes `style`, `hidden` and, of a font, `size`."""
    if len(attributes) <= _CACHED_CHARACTERS and name not in _DIFFERENT:
        return _of_tag(name == "font", attributes)
    if usual := _USUAL.fullmatch(attributes):
        return _of_value(tag_attributes.resolved(usual[1]), False, False) if usual[1] else PLAIN
    low = attributes.lower()
    return _read(name == "font", attributes) if "style" in low or "hidden" in low or name == "font" else PLAIN


class Hiding:
    """The positions in a document of what may hide something."""

    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._low = ""
        self._start = self._end = 0  # of the window that is looked at: most documents are not read to their ends
        self._next: dict[re.Pattern[str], int] = {}

    def at(self, position: int) -> int:
        """The first position that is not before this one, or a position before that."""
        if position >= self._end:
            self._start, self._end = position, position + _WINDOW
            window = self._markup[position : self._end + _OVERLAP]
            self._low = low(window)
            self._next = dict.fromkeys(_MAY_HIDE, -1)
        offset = position - self._start
        for pattern, found in self._next.items():
            if found < offset:
                match = pattern.search(self._low, offset)
                self._next[pattern] = match.start() if match else _WINDOW
        return min(self._end, self._start + min(self._next.values()))


def low(markup: str) -> str:
    """The markup in lower case, each letter in its place."""
    letters = markup.lower()
    return letters if len(letters) == len(markup) else markup.translate(_LOW)


def has_sheets(markup: str) -> bool:
    """True for a document that may have style sheets."""
    return _SHEET.search(markup) is not None


def _read(is_font: bool, inside: str) -> Style:
    style: str | None = None
    is_hidden = has_size = False
    for name, value in itertools.islice(tag_attributes.read(inside), ATTRIBUTES):
        if name == "style" and style is None:
            style = tag_attributes.resolved(value) if len(value) <= VALUE_CHARACTERS else ""
        is_hidden |= name == "hidden"
        has_size |= is_font and name == "size"
    if not (style or is_hidden or has_size):
        return PLAIN
    return _of_value(style or "", is_hidden, has_size)


_of_tag = functools.lru_cache(maxsize=512)(_read)


def _of_value(style: str, is_hidden: bool, has_size: bool) -> Style:
    known = len(style) <= _CACHED_CHARACTERS
    return _of_known_style(style, is_hidden, has_size) if known else _of_style(style, is_hidden, has_size)


def _of_style(style: str, is_hidden: bool, has_size: bool) -> Style:
    hides, shows = 0, NO_SIZE if has_size else 0
    values = _values(style)
    display = values.get("display", "none" if is_hidden else "")
    if display == "none" or _is_zero(values.get("opacity")):
        hides |= GONE
    if values.get("overflow", "").startswith("hidden") and (
        _is_zero(values.get("max-height")) or _is_zero(values.get("height"))
    ):
        hides |= GONE
    match values.get("visibility"):
        case "hidden" | "collapse":
            hides |= INVISIBLE
        case "visible":
            shows |= INVISIBLE
    size = _FONT_SIZE.search(values.get("font-size", "") or values.get("font", ""))
    if size and size[1] and not float(size[1]):
        hides |= NO_SIZE
    elif size and size[2] not in _RELATIVE:
        shows |= NO_SIZE
    is_out_of_line = any(values.get(name) in of for name, of in _OUT_OF_LINE.items())
    return Style(
        hides,
        shows,
        "line" if is_out_of_line else _DISPLAYS.get(display, ""),  # CSS 2.2 §9.7
        _SPACES.get(values.get("white-space", ""), ""),
    )


def _values(style: str) -> dict[str, str]:
    """The last value of each property, or the last important one; browsers ignore a display that they do not know."""
    values: dict[str, str] = {}
    important: dict[str, str] = {}
    for declaration in _DECLARATION.findall(_COMMENT.sub(" ", style.lower())):
        name, _, value = map(str.strip, declaration.partition(":"))
        plain = _IMPORTANT.sub("", value)
        if name != "display" or plain in _DISPLAYS:
            (values if plain == value else important)[name] = plain
    return values | important


_of_known_style = functools.lru_cache(maxsize=1024)(_of_style)


def _is_zero(value: str | None) -> bool:
    return value is not None and _ZERO.fullmatch(value) is not None
