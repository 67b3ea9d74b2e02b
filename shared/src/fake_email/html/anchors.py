"""The links of HTML that a reader sees, each with its target and its text, in time linear in the length. Pure."""

import functools
import re
from collections.abc import Iterator, Sequence

from fake_email.html import elements, references, style, tag_attributes, tokens, urls
from fake_email.html.structure import DEPTH, Element, Structure

TEXT_CHARACTERS = 200

_INNER_CHARACTERS = 16_384  # between the tags of a link
_BEGINNING = 8_192  # characters of a document that are looked at twice
_PASSED = tokens.all_but((*sorted(elements.LINKS), *sorted(elements.UNSEEN)), "a")
_SIMPLE = re.compile(r"([^<]*+)</[aA]>")
# Their tags stand inside of words.
_INLINE = frozenset({"b", "em", "font", "i", "small", "span", "strong", "u", "wbr"})


# A link: its target, its text, and the position of its tag. A tuple, since a struct takes longer to make.
Anchor = tuple[str, str, int]
# The start tag of a link: its start and end, its name and attributes, and where they are known its URL and all that it
# has inside, which is text.
Tag = tuple[int, int, str, str, str | None, str | None]


def read(markup: str, tags: Sequence[Tag] | None = None) -> Iterator[Anchor]:
    """The links of `a` and `area` to the web or to a mail address, in their order.

    `tags` are the start tags of all links, where they are known and none of the links may be hidden.
    """
    reading = _Reading(markup)
    return reading.anchors() if tags is None else reading.anchors_of(tags)


class _Reading:
    """One reading of one document: fast, but with all its tags, as `text` has it, where something hides."""

    def __init__(self, markup: str) -> None:
        self.markup = markup
        self.scanner = tokens.Scanner(markup)
        self.has_passed_tags = False  # that may hide something, inside of a link
        # These follow the scanner only where something hides.
        self.all_tokens = tokens.Scanner(markup)
        self.hiding_elements = 0

    @functools.cached_property
    def structure(self) -> Structure:
        return Structure(self.closed, has_sheets=style.has_sheets(self.markup))

    @functools.cached_property
    def hiding(self) -> style.Hiding:
        return style.Hiding(self.markup)

    @functools.cached_property
    def base(self) -> str:
        return tokens.base(self.markup)

    def anchors(self) -> Iterator[Anchor]:
        for type_, start, end, name, attributes in self.scanner.only(_PASSED, self.hiding.at):
            if type_ != "start":
                continue
            if name in elements.UNSEEN:
                self.scanner.skip_unseen(name, attributes)
            elif style.read(name, attributes).hides & ~style.NO_SIZE:
                if not self.hides_no_link(name, start, end):
                    yield from self.anchors_after(start)
                    self.scanner.position = self.all_tokens.position
            elif name in elements.LINKS and (anchor := self.anchor(name, attributes, start, end)):
                yield anchor
                if not _SIMPLE.match(self.markup, end) and self.hiding.at(end) < self.scanner.position:
                    self.has_passed_tags = True

    def hides_no_link(self, name: str, start: int, end: int) -> bool:
        """True where the tag here has no content, or text alone, as the line has that a list of mail shows."""
        if name in elements.LINKS or self.has_passed_tags:
            return False
        if name in elements.VOID:
            return True
        is_leaf = start < _BEGINNING and self.markup.startswith(f"</{name}>", self.markup.find("<", end))
        return is_leaf and self.markup.count("<", 0, start) < DEPTH  # so that it is not too deep

    def anchors_of(self, tags: Sequence[Tag]) -> Iterator[Anchor]:
        for start, end, name, attributes, url, text in tags:
            if url is not None and text is not None:
                if url := urls.followed(url):
                    yield url, _on_one_line(references.in_text(text)), start
            else:
                self.scanner.position = end
                if anchor := self.anchor(name, attributes, start, end):
                    yield anchor

    def anchors_after(self, position: int) -> Iterator[Anchor]:
        """The links from the tag at this position, which may hide them, to the end of the hidden element.

        A sender's slip must not cost the reader the links of an element that is never closed.
        """
        aside: list[Anchor] = []
        for type_, start, end, name, attributes in self.all_tokens:
            if type_ == "end":
                self.structure.end(name)
            elif name in elements.UNSEEN:
                self.all_tokens.skip_unseen(name, attributes)
            elif type_ == "start":
                element = self.structure.start(name, attributes)
                if start >= position and element and name in elements.LINKS:
                    self.scanner.position = end
                    if anchor := self.anchor(name, attributes, start, end):
                        if element.hidden & ~style.NO_SIZE:
                            aside.append(anchor)
                        else:
                            yield anchor
                self.hiding_elements += element is not None and name not in elements.VOID and _hides(element)
            if start >= position and not self.hiding_elements:
                return
        yield from aside

    def closed(self, element: Element) -> None:
        self.hiding_elements -= _hides(element)

    def anchor(self, name: str, attributes: str, start: int, end: int) -> Anchor | None:
        href = tag_attributes.href(attributes)
        url = urls.shown(href, "" if urls.is_absolute(href) else self.base)
        if not url:
            return None
        text = self.text(end) if name == "a" else tag_attributes.value(attributes, "alt")
        return url, _on_one_line(text), start

    def text(self, start: int) -> str:
        """The text of the link that starts here, or the alternatives of its pictures when it has none."""
        if simple := _SIMPLE.match(self.markup, start):
            self.scanner.position = simple.end()
            return references.in_text(simple[1])
        pieces: list[str] = []
        pictures: list[str] = []
        for type_, begin, end, name, attributes in self.scanner:
            if type_ == "text":
                pieces.append(self.markup[begin:end])
            elif name in elements.LINKS:
                self.scanner.position = begin
                break
            elif type_ != "comment" and name not in _INLINE:
                pieces.append(" ")
                if name == "img" and type_ == "start":
                    pictures.append(tag_attributes.value(attributes, "alt"))
            if type_ == "start" and name in elements.UNSEEN:
                self.scanner.skip_unseen(name, attributes)
            if end - start > _INNER_CHARACTERS:
                break
        text = references.in_text("".join(pieces)[:_INNER_CHARACTERS])
        return text if text.strip() else " ".join(pictures)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())[:TEXT_CHARACTERS]


def _hides(element: Element) -> bool:
    return element.style.hides & ~style.NO_SIZE != 0
