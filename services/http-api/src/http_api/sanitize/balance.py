"""HTML of any form made into balanced tags, in time linear in its length. Pure.

A parser of HTML takes quadratic time and memory for elements that are nested too deep, never closed, or closed out of
order (HTML Standard, "adoption agency algorithm"). The balanced markup is nested to a bounded depth and closed in
order. It is not safe yet: `page` has it parsed again for that.
"""

import re
from collections import Counter
from functools import cache
from itertools import islice

import msgspec

from fake_email.html import tokens
from fake_email.html.tokens import Scanner
from http_api.sanitize import allowlist

CHARACTERS = 1024 * 1024
TAGS = 50_000  # a long newsletter has some 10,000
DEPTH = 200  # of open elements; browsers stop at 512
_ATTRIBUTES = 200  # of one tag
_VALUE_CHARACTERS = 16_384  # of an attribute, except an image written there
_TEXT_CHARACTERS = 16_384  # in one piece

_IMAGES = frozenset({"background", "src"})
_IMAGE = re.compile(r"\s*+data:image/", re.IGNORECASE)
# No character reference reaches across the end of one.
_PIECE = re.compile(rf".{{1,{_TEXT_CHARACTERS}}}+[\w#;]*+", re.DOTALL)

# Readers see no text of these elements. Browsers read a raw element up to its end tag or the end of the document. Where
# another of them has no end tag, only its start tag is left out: a sender's slip does not cost the reader the rest.
_RAW = frozenset({"iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"})
_UNSEEN = _RAW | {"datalist", "math", "select", "svg", "template"}

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_CELLS = frozenset({"caption", "table", "td", "th"})  # a tag inside one of these closes no element outside
_ITEMS = {"li": frozenset({"li"}), "dd": frozenset({"dd", "dt"}), "dt": frozenset({"dd", "dt"})}
_LISTS = _CELLS | {"dl", "menu", "ol", "ul"}
_SECTIONS = frozenset({"table", "tbody", "tfoot", "thead"})
_PARENTS = {
    "td": _SECTIONS | {"tr"},
    "th": _SECTIONS | {"tr"},
    "tr": _SECTIONS,
    "col": frozenset({"colgroup", "table"}),
}
_ONLY_TABLE = frozenset({"table"})


class Balanced(msgspec.Struct, frozen=True, kw_only=True):
    """The balanced markup of the body; the attributes of `html` and `body`, as sent; the style elements and the linked
    style sheets, each with its media; whether the limits cut the document.
    """

    markup: str
    html: dict[str, str]
    body: dict[str, str]
    styles: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    is_cut: bool


def read(markup: str) -> Balanced:
    """The balanced form of any document or fragment; never raises."""
    return _Reading().read(markup)


def start_tag(name: str, attributes: dict[str, str]) -> str:
    """A start tag; the values are as in markup, except for their quotes."""
    written = [f' {each}="{value.replace(chr(34), "&quot;")}"' for each, value in attributes.items()]
    return f"<{name}{''.join(written)}>"


class _Open(msgspec.Struct):
    """An open element."""

    name: str
    is_over: bool = False  # its end tag came while another element was open inside


class _Reading:
    """One reading of one document, with its open elements."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.open: list[_Open] = []
        self.too_deep: Counter[str] = Counter()
        self.names: Counter[str] = Counter()  # of the open elements
        self.styles: list[tuple[str, str]] = []
        self.links: list[tuple[str, str]] = []
        self.roots: dict[str, dict[str, str]] = {}

    def read(self, markup: str) -> Balanced:
        is_cut = len(markup) > CHARACTERS
        markup = markup[:CHARACTERS].replace("\0", "")
        scanner = Scanner(markup)
        text_start = tags = 0
        for type_, start, _, name, attributes in scanner:
            if type_ == "text":
                continue
            if start > text_start:
                self._text(markup[text_start:start])
            if type_ == "end":
                self._end(name)
            elif name in _UNSEEN:
                self._skip(scanner, name, attributes)
            elif type_ == "start":
                self._start(name, attributes)
            text_start = scanner.position
            tags += 1
            if tags == TAGS:
                break
        else:
            self._text(markup[text_start:])
        self._close_to(0)
        return Balanced(
            markup="".join(self.pieces),
            html=self.roots.get("html", {}),
            body=self.roots.get("body", {}),
            styles=tuple(self.styles),
            links=tuple(self.links),
            is_cut=is_cut or scanner.position < len(markup),
        )

    def _skip(self, scanner: Scanner, name: str, inside: str) -> None:
        start = scanner.position
        if not scanner.skip(name) and name in _RAW:
            scanner.position = len(scanner.markup)
        if name == "style":
            self._style(inside, scanner.markup[start : scanner.position])

    def _text(self, text: str) -> None:
        """Add text; long text in pieces, since the parser takes quadratic time to write the references of one text."""
        if len(text) <= _TEXT_CHARACTERS:
            self.pieces.append(text.replace("<", "&lt;"))
        else:
            self.pieces.append("<!---->".join(_PIECE.findall(text.replace("<", "&lt;"))))

    def _style(self, inside: str, css: str) -> None:
        attributes = _attributes(inside, frozenset({"media", "type"}))
        if attributes.get("type", "").strip().lower() in {"", "text/css"}:
            self.styles.append((attributes.get("media", ""), css))

    def _start(self, name: str, inside: str) -> None:
        if name in {"html", "body"}:
            self.roots.setdefault(name, _attributes(inside, _known(name)))
        elif name == "link":
            attributes = _attributes(inside, frozenset({"href", "media", "rel"}))
            if attributes.get("rel", "").strip().lower() == "stylesheet":
                self.links.append((attributes.get("media", ""), attributes.get("href", "")))
        elif name == "image":  # HTML, "in body": "don't ask"
            self._start("img", inside)
        elif name in allowlist.ELEMENTS and self._close_before(name):
            if name not in allowlist.VOID and len(self.open) >= DEPTH:
                self.too_deep[name] += 1
                return
            self.pieces.append(start_tag(name, _attributes(inside, _known(name))))
            if name not in allowlist.VOID:
                self.open.append(_Open(name))
                self.names[name] += 1

    def _close_before(self, name: str) -> bool:
        """Close the elements that end where this one starts; false when this one cannot start here."""
        if name in allowlist.TABLE_PARTS:
            if not self.names["table"]:
                return False
            parents = _PARENTS.get(name, _ONLY_TABLE)
            while self.open[-1].name not in parents:
                self._close_to(len(self.open) - 1)
            return True
        if name == "a":
            self._end("a")
        if name in _ITEMS:
            self._close_nearest(_ITEMS[name], _LISTS)
        if name in allowlist.BLOCKS:
            self._close_nearest(frozenset({"p"}), _CELLS)
        if name in _HEADINGS and self.open and self.open[-1].name in _HEADINGS:
            self._close_to(len(self.open) - 1)
        return True

    def _end(self, name: str) -> None:
        if self.too_deep[name]:
            self.too_deep[name] -= 1
        elif name == "br":
            self.pieces.append("<br>")
        elif name in allowlist.INLINE:
            self._end_inline(name)
        elif name == "table" or name in allowlist.TABLE_PARTS:
            self._close_nearest(frozenset({name}), _ONLY_TABLE)
        elif name in _HEADINGS:
            self._close_nearest(_HEADINGS, _CELLS)
        elif name in allowlist.BLOCKS:
            self._close_nearest(frozenset({name}), _CELLS)

    def _end_inline(self, name: str) -> None:
        if not self.names[name]:
            return
        in_block = False
        for index in range(len(self.open) - 1, -1, -1):
            element = self.open[index]
            if element.name == name and not element.is_over:
                if in_block:
                    element.is_over = True
                else:
                    self._close_to(index)
                return
            if element.name in _CELLS:
                return
            in_block = in_block or element.name not in allowlist.INLINE

    def _close_nearest(self, names: frozenset[str], barriers: frozenset[str]) -> None:
        """Close the innermost element with one of these names, and all inside it, unless a barrier is inside it."""
        if not any(map(self.names.__getitem__, names)):
            return
        for index in range(len(self.open) - 1, -1, -1):
            name = self.open[index].name
            if name in names:
                self._close_to(index)
                return
            if name in barriers:
                return

    def _close_to(self, depth: int) -> None:
        while len(self.open) > depth or (self.open and self.open[-1].is_over):
            name = self.open.pop().name
            self.names[name] -= 1
            self.pieces.append(f"</{name}>")


@cache
def _known(name: str) -> frozenset[str]:
    return allowlist.ATTRIBUTES["*"] | allowlist.ATTRIBUTES.get(name, frozenset())


def _attributes(inside: str, known: frozenset[str]) -> dict[str, str]:
    """The known attributes inside a tag, as in markup; the first of each name counts."""
    read: dict[str, str] = {}
    if inside:
        for name, value in islice(tokens.attributes(inside), _ATTRIBUTES):
            is_short = len(value) <= _VALUE_CHARACTERS or (name in _IMAGES and _IMAGE.match(value))
            if is_short and name in known and name not in read:
                read[name] = value
    return read
