"""The effects of a tag on the text of a document, by the tag alone. Pure."""

import functools
import re

import msgspec

from fake_email.html import elements, structure, style
from fake_email.html.structure import Element

LINE, BLANK_LINE = "\n", "\n\n"
BREAKS = dict.fromkeys(
    """address article aside body center dd details div dt fieldset figcaption figure footer form header hgroup legend
    main nav optgroup option search section summary tr""".split(),  # noqa: SIM905 - one a line is a page
    LINE,
) | dict.fromkeys("blockquote dir dl h1 h2 h3 h4 h5 h6 menu ol p pre table ul".split(), BLANK_LINE)  # noqa: SIM905 - as above
MARKS = {"br": "\n", "hr": "\n---\n"}
WRITTEN = frozenset({"a", "area", "br", "hr", "img", "li", "ol", "ul"})  # that are not only breaks

_NO_LEAVES = elements.VOID | {"ol", "pre", "ul"}  # which change what is inside
_CELLS = frozenset({"td", "th"})
_NAME = re.compile(r"/?([^\t\n\f\r />]*+)")
_CACHED_CHARACTERS = 128  # of a tag that other documents may have, too
_KNOWN = 1024  # tags of one document
_NONE = Element("", style.PLAIN)


class Tag(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A tag; `element` is what a start tag opens where nothing around it is hidden."""

    name: str
    element: Element = _NONE
    line_break: str | None = None  # before a start tag, or behind an end tag that closes no element
    is_known: bool = False
    is_unseen: bool = False
    is_void: bool = False
    is_cell: bool = False
    is_usual: bool = False  # a start tag of an element that is known and not hidden
    is_leaf: bool = False  # an element that may be written in one step where it has only text inside
    is_written: bool = False
    is_link: bool = False
    hides: bool = False  # more than the text alone


class Known(dict[str, Tag]):
    """The tags of a document by what they have between their angle brackets; most occur many times."""

    def __missing__(self, inside: str) -> Tag:
        tag = read(inside)
        if tag is not LINK and len(self) < _KNOWN:
            self[inside] = tag
        return tag


def read(inside: str) -> Tag:
    """The tag that has this between its angle brackets."""
    if inside.startswith("a "):  # links differ from each other
        return of_link(inside[1:])
    return _usual(inside) if len(inside) <= _CACHED_CHARACTERS else _read(inside)


def of_link(attributes: str) -> Tag:
    """The start tag of a link with these attributes."""
    low = attributes.lower()
    return _start("a", style.read("a", attributes)) if "style" in low or "hidden" in low else LINK


def of_picture(attributes: str) -> Tag:
    """The tag of a picture with these attributes."""
    return _start("img", style.read("img", attributes))


def in_flex(tag: Tag) -> Tag:
    """The start tag as it is where the element around it is flexible: on lines of its own (CSS Flexbox 1 §4)."""
    if tag.is_void or tag.element.style.display in {"line", "flex"}:
        return tag
    return _start(tag.name, tag.element.style._replace(display="line"))


def line_break(name: str, display: style.Display) -> str | None:
    """The break before and behind an element."""
    if not display:
        return BREAKS.get(name)
    if display in {"line", "flex"} or (display == "box" and name == "p"):  # a paragraph stays one, as in `innerText`
        return BREAKS.get(name, LINE)
    return None


def space(element: Element) -> style.Space:
    """The effect of an element on the blanks in its text; empty when it has none of its own."""
    own = element.style.space
    if own == "normal" or element.name in elements.VOID:
        return ""
    return own or ("kept" if element.name == "pre" else "")


def _read(inside: str) -> Tag:
    match = _NAME.match(inside)
    name = match[1].lower() if match else ""
    if inside[0] == "/":
        breaks = name not in elements.KNOWN or name in {"br", "p"}
        return Tag(name=name, line_break=(MARKS.get(name) or BREAKS.get(name)) if breaks else None)
    attributes = inside[match.end() :] if match else ""
    if name in elements.UNSEEN:
        return Tag(name=name, is_unseen=True)
    return _start(name, style.read(name, attributes) if attributes else style.PLAIN)


@functools.lru_cache(maxsize=1024)
def _start(name: str, own: style.Style) -> Tag:
    element = structure.element(name, own)
    is_known = name in elements.KNOWN
    is_usual = is_known and not element.is_unusual
    keeps_space = space(element) != ""
    return Tag(
        name=name,
        element=element,
        line_break=line_break(element.name, own.display),
        is_known=is_known,
        is_void=element.name in elements.VOID,
        is_cell=own.display == "cell" or (name in _CELLS and not own.display),
        is_usual=is_usual,
        is_leaf=is_usual and name not in _NO_LEAVES and not keeps_space,
        is_written=element.name in WRITTEN or keeps_space,
        is_link=name in elements.LINKS,
        hides=own.hides & ~style.NO_SIZE != 0,
    )


_usual = functools.lru_cache(maxsize=1024)(_read)
LINK = _read("a")  # a link without a style of its own
