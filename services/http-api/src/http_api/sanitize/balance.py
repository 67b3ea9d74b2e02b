"""HTML of any form made into balanced tags, in time linear in its length. Pure.

`fake_email.html.structure` says which elements a tag opens and closes. `fake_email.html.text` reads with it, too, so
that the text has what the page shows. The balanced markup is not safe yet: `page` has it parsed again for that.
"""

import re
from functools import cache
from itertools import islice

import msgspec

from fake_email.html import elements, style, tag_attributes, tokens
from fake_email.html.structure import Element, Structure
from fake_email.html.tokens import Scanner
from http_api.sanitize import allowlist

_TEXT_CHARACTERS = 16_384  # in one piece

_IMAGES = frozenset({"background", "src"})
_IMAGE = re.compile(r"\s*+data:image/", re.IGNORECASE)
# No character reference reaches across the end of one.
_PIECE = re.compile(rf".{{1,{_TEXT_CHARACTERS}}}+[\w#;]*+", re.DOTALL)


class Balanced(msgspec.Struct, frozen=True, kw_only=True):
    """The balanced markup of the body, and the attributes of `html` and `body` as sent.

    `base` is that of relative URLs. Style elements and linked style sheets have their media. The limits may have cut
    the document.
    """

    markup: str
    html: dict[str, str]
    body: dict[str, str]
    base: str
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


class _Reading:
    """One reading of one document, with its open elements."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.structure = Structure(self._closed)
        self.styles: list[tuple[str, str]] = []
        self.links: list[tuple[str, str]] = []
        self.roots: dict[str, dict[str, str]] = {}

    def read(self, markup: str) -> Balanced:
        is_cut = len(markup) > tokens.CHARACTERS
        markup = markup[: tokens.CHARACTERS].replace("\0", "")
        scanner = Scanner(markup)
        text_start = tags = 0
        for type_, start, _, name, attributes in scanner:
            if type_ == "text":
                continue
            if start > text_start:
                self._text(markup[text_start:start])
            if type_ == "end":
                self._end(name)
            elif name in elements.UNSEEN:
                self._skip(scanner, name, attributes)
            elif type_ == "start":
                self._start(name, attributes)
            text_start = scanner.position
            tags += 1
            if tags == tokens.TAGS:
                break
        else:
            self._text(markup[text_start:])
        self.structure.end_all()
        return Balanced(
            markup="".join(self.pieces),
            html=self.roots.get("html", {}),
            body=self.roots.get("body", {}),
            base=tokens.base(markup),
            styles=tuple(self.styles),
            links=tuple(self.links),
            is_cut=is_cut or scanner.position < len(markup),
        )

    def _skip(self, scanner: Scanner, name: str, inside: str) -> None:
        start = scanner.position
        if not scanner.skip_unseen(name, inside) and name in elements.RAW:
            scanner.position = len(scanner.markup)  # browsers read a raw element without an end to the end
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
        elif element := self.structure.start(name, inside):
            written = _written(element.name)
            self.pieces.append(start_tag(written, _attributes(inside, _known(written))))

    def _end(self, name: str) -> None:
        if name == "br":
            self.pieces.append("<br>")
        else:
            self.structure.end(name)

    def _closed(self, element: Element) -> None:
        self.pieces.append(f"</{_written(element.name)}>")


def _written(name: str) -> str:
    """The name that an element has in the page."""
    return name if name in allowlist.ELEMENTS else "span"


@cache
def _known(name: str) -> frozenset[str]:
    return allowlist.ATTRIBUTES["*"] | allowlist.ATTRIBUTES.get(name, frozenset())


def _attributes(inside: str, known: frozenset[str]) -> dict[str, str]:
    """The known attributes inside a tag, as in markup; the first of each name counts."""
    read: dict[str, str] = {}
    if inside:
        for name, value in islice(tag_attributes.read(inside), style.ATTRIBUTES):
            is_short = len(value) <= style.VALUE_CHARACTERS or (name in _IMAGES and _IMAGE.match(value))
            if is_short and name in known and name not in read:
                read[name] = value
    return read
