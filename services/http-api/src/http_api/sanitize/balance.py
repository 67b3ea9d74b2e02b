"""What of a mail's HTML is looked at? Pure: from any markup to tags that are balanced, in time linear in its length.

A parser of HTML takes time, and even room, quadratic in what is nested too deep, never closed, or closed out of order
(HTML, "the adoption agency algorithm"). What leaves here is nested a bounded depth, and closed in order. Whether it is
safe is not decided here: it is parsed again for that.
"""

import re
from collections import Counter
from functools import cache
from itertools import islice

import msgspec

from http_api.sanitize import allowlist

CHARACTERS = 1024 * 1024
TAGS = 50_000  # a long newsletter has some 10,000
DEPTH = 200  # browsers stop at 512
_ATTRIBUTES = 200  # of one tag
_VALUE_CHARACTERS = 16_384  # of an attribute, but for an image that is written there
_TEXT_CHARACTERS = 16_384  # in one piece

_IN_TAG = r"(?:[^>=]++|=\s*+\"[^\"]*+(?:\"|\Z)|=\s*+'[^']*+(?:'|\Z)|=)*+"
_TAG = re.compile(
    rf"<(?:(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)(?P<rest>{_IN_TAG})(?:>|\Z)"
    r"|!---?>|!--.*?(?:--!?>|\Z)|[!?/][^>]*+(?:>|\Z))",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s\"'>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)|'([^']*+)|([^\s\"'>][^\s>]*+)))?")

_IMAGES = frozenset({"background", "src"})
_IMAGE = re.compile(r"\s*+data:image/", re.IGNORECASE)
# No character reference reaches across the end of one.
_PIECE = re.compile(rf".{{1,{_TEXT_CHARACTERS}}}+[\w#;]*+", re.DOTALL)

# What these hold is no text that is shown; of the second kind an end tag is missed by few readers.
_RAW = frozenset({"iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"})
_UNSEEN = frozenset({"datalist", "math", "select", "svg", "template"})
_ENDS = {name: re.compile(rf"</{name}(?=[\s/>]|\Z)", re.IGNORECASE) for name in _RAW | _UNSEEN}

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_CELLS = frozenset({"caption", "table", "td", "th"})  # what is in one of these closes nothing outside
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


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What was read: markup inside of `body`, as sent but for its balance; attributes of `html` and `body`, as sent;
    the style elements and the linked sheets, each with its media; whether there was more than is looked at.
    """

    markup: str
    html: dict[str, str]
    body: dict[str, str]
    styles: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    is_cut: bool


def read(markup: str) -> Page:
    """The Page of any markup, of a fragment too; never raises."""
    return _Reading().read(markup)


def start_tag(name: str, attributes: dict[str, str]) -> str:
    """A start tag; the values are as in markup, their quotes excepted."""
    return (
        f"<{name}"
        + "".join(f' {each}="{value.replace(chr(34), "&quot;")}"' for each, value in attributes.items())
        + ">"
    )


class _Open(msgspec.Struct):
    name: str
    is_over: bool = False  # its end tag came while something else was open in it


class _Reading:
    """One way through one mail's markup; it knows what is open."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.open: list[_Open] = []
        self.too_deep: Counter[str] = Counter()
        self.names: Counter[str] = Counter()  # of what is open
        self.styles: list[tuple[str, str]] = []
        self.links: list[tuple[str, str]] = []
        self.roots: dict[str, dict[str, str]] = {}

    def read(self, markup: str) -> Page:
        is_cut = len(markup) > CHARACTERS
        markup = markup[:CHARACTERS].replace("\0", "")
        never_closed: set[str] = set()
        at = 0
        for _ in range(TAGS):
            tag = _TAG.search(markup, at)
            self._text(markup[at : tag.start() if tag else len(markup)])
            at = len(markup)
            if tag is None:
                break
            at = tag.end()
            name = (tag["name"] or "").lower()
            # A tag without an end is none; what is in it is lost in browsers too.
            if not name or markup[at - 1] != ">":
                continue
            if tag["end"]:
                self._end(name)
            elif name in _ENDS and name not in never_closed:
                end = _ENDS[name].search(markup, at)
                if end or name in _RAW:
                    content_end = end.start() if end else len(markup)
                    if name == "style":
                        self._style(tag["rest"], markup[at:content_end])
                    at = content_end
                else:
                    never_closed.add(name)
            else:
                self._start(name, tag["rest"])
        self._close_to(0)
        return Page(
            markup="".join(self.pieces),
            html=self.roots.get("html", {}),
            body=self.roots.get("body", {}),
            styles=tuple(self.styles),
            links=tuple(self.links),
            is_cut=is_cut or at < len(markup),
        )

    def _text(self, text: str) -> None:
        """Long text in pieces: writing one takes the parser time quadratic in the references that it needs."""
        if len(text) <= _TEXT_CHARACTERS:
            self.pieces.append(text.replace("<", "&lt;"))
        else:
            self.pieces.append("<!---->".join(_PIECE.findall(text.replace("<", "&lt;"))))

    def _style(self, rest: str, css: str) -> None:
        attributes = _attributes(rest, frozenset({"media", "type"}))
        if attributes.get("type", "").strip().lower() in {"", "text/css"}:
            self.styles.append((attributes.get("media", ""), css))

    def _start(self, name: str, rest: str) -> None:
        if name in {"html", "body"}:
            self.roots.setdefault(name, _attributes(rest, _known(name)))
        elif name == "link":
            attributes = _attributes(rest, frozenset({"href", "media", "rel"}))
            if attributes.get("rel", "").strip().lower() == "stylesheet":
                self.links.append((attributes.get("media", ""), attributes.get("href", "")))
        elif name == "image":  # HTML, "in body": "don't ask"
            self._start("img", rest)
        elif name in allowlist.ELEMENTS and self._make_room(name):
            if name not in allowlist.VOID and len(self.open) >= DEPTH:
                self.too_deep[name] += 1
                return
            self.pieces.append(start_tag(name, _attributes(rest, _known(name))))
            if name not in allowlist.VOID:
                self.open.append(_Open(name))
                self.names[name] += 1

    def _make_room(self, name: str) -> bool:
        """Close what cannot go on when this starts; whether it can start here at all."""
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
            each = self.open[index]
            if each.name == name and not each.is_over:
                if in_block:
                    each.is_over = True
                else:
                    self._close_to(index)
                return
            if each.name in _CELLS:
                return
            in_block = in_block or each.name not in allowlist.INLINE

    def _close_nearest(self, names: frozenset[str], barriers: frozenset[str]) -> None:
        """Close the innermost that has one of these names, with all in it, unless a barrier stands before it."""
        if not any(self.names[name] for name in names):
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


def _attributes(rest: str, known: frozenset[str]) -> dict[str, str]:
    """Those of a tag that are known, as in markup; the first of a name counts."""
    found: dict[str, str] = {}
    for attribute in islice(_ATTRIBUTE.finditer(rest), _ATTRIBUTES):
        name = attribute[1].lower()
        value = attribute[2] or attribute[3] or attribute[4] or ""
        is_short = len(value) <= _VALUE_CHARACTERS or (name in _IMAGES and _IMAGE.match(value))
        if name in known and name not in found and is_short:
            found[name] = value
    return found
