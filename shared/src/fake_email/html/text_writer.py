"""The effect of tags on the text: lines, cells, marks of lists, targets of links, hidden text. Pure."""

import re

from fake_email.html import link_targets, tag_attributes, text_lines, text_tags, urls
from fake_email.html.structure import DEPTH, Element, Structure
from fake_email.html.text_pieces import Pieces
from fake_email.html.text_tags import Tag

_COUNTED = frozenset({"ul", "ol"})  # while they are open
_USUAL_LINK = re.compile(rf" href=\"({urls.USUAL_IN_HTML})\"")
_NUMBER = re.compile(r"\s*+\+?0{0,9}([1-9][0-9]{0,8})\b.*+", re.DOTALL)


class Writer(Pieces):
    """The text of one document, written from its start to its end; the `base` is that of relative URLs."""

    def __init__(self, base: str, *, has_sheets: bool) -> None:
        super().__init__(Structure(self.closed, has_sheets=has_sheets))
        self.lists: list[int] = []  # the last number of each open list, negative where items have none
        self.link = ""
        self.link_start = 0
        self.link_pieces = self.visible
        self.base = base

    @property
    def can_remember(self) -> bool:
        """True where the open elements, the lists and the last character alone decide what a tag does."""
        return not (self.hidden or self.link or self.spaces or len(self.aside) > 1 or self.structure.too_deep)

    def write_leaf(self, tag: Tag, attributes: str, text: str) -> str | None:
        """Write an element that has only text inside; returns the URL of a link where it was read."""
        structure = self.structure
        if (
            not tag.is_leaf
            or structure.unusual
            or len(structure.open) >= DEPTH
            or not structure.may_start(tag.element.name)
        ):
            self.start(tag, attributes)
            if text:
                self.write(text)
            self.end(text_tags.read(f"/{tag.name}"))
            return None
        return self.write_whole(tag, attributes, text)

    def write_whole(self, tag: Tag, attributes: str, text: str) -> str | None:
        """Write an element that has only text inside and does not change what is open."""
        url = None
        if tag.line_break:
            self.break_line(tag.line_break)
        if tag.is_cell:
            self.visible.append(text_lines.CELL)
        if tag.name == "a":
            url = self.start_link(attributes)
        elif tag.is_written:
            self.write_start(tag.element, attributes)
        if text:
            self.write(text)
        if url:
            self.end_link()
        if tag.line_break:
            self.break_line(tag.line_break)
        return url

    def write_link(self, tag: Tag, attributes: str, text: str) -> str | None:
        """Write a link that has only text inside, in a nesting that takes links; returns its URL where it was read."""
        if tag is not text_tags.LINK:
            return self.write_whole(tag, attributes, text)
        usual = _USUAL_LINK.match(attributes)
        if usual and usual.end() < urls.CHARACTERS:
            url = target = usual[1]
        else:
            url = urls.resolve(tag_attributes.href(attributes), self.base)
            target = link_targets.followed(url)
        visible = self.visible
        start = len(visible)
        if text:
            self.write(text)
        if target:
            label = (visible[start] if len(visible) == start + 1 else "".join(visible[start:])).strip()
            if written := link_targets.behind(label, target):
                visible.append(written)
        return url

    def begin(self, tag: Tag, attributes: str) -> None:
        """Write the line, the cell and the mark with which an element begins."""
        if tag.line_break:
            self.break_line(tag.line_break)
        if tag.is_cell:
            self.visible.append(text_lines.CELL)
        if tag.is_written:
            self.write_start(tag.element, attributes)

    def finish(self) -> list[str]:
        """The pieces of the text, for `text_lines`."""
        self.end_link()
        if len(self.aside) > 1:
            # A browser goes on hiding to the end. A sender's slip must not cost the reader the rest of the mail.
            self.visible += self.aside
        return self.visible

    def start(self, tag: Tag, attributes: str) -> None:
        structure = self.structure
        if tag.is_usual and not structure.unusual and len(structure.open) < DEPTH:
            if not (structure.may_start(tag.element.name) if tag.is_void else structure.push(tag.element)):
                return
            self.begin(tag, attributes)
        else:
            self.start_unusual(tag, attributes)

    def start_unusual(self, tag: Tag, attributes: str) -> None:
        """Do the same where something is hidden, or for an element that is hidden or not known."""
        open_ = self.structure.open
        if open_ and open_[-1].style.display == "flex" and tag.is_known:
            tag = text_tags.in_flex(tag)
        opened = self.structure.start_element(tag.element)
        if opened is None:
            if not tag.is_known and (line_break := text_tags.BREAKS.get(tag.name)):
                self.break_line(line_break)
            return
        if opened.hidden or self.hidden:
            self.hide(opened.hidden if tag.is_void else self.structure.hidden())
        if tag.line_break:
            self.break_line(tag.line_break)
        if tag.is_cell:
            self.marks.append(text_lines.CELL)
        if tag.is_written:
            self.write_start(opened, attributes)
        if tag.is_void and (opened.hidden or self.hidden):
            self.hide_as_around()

    def end(self, tag: Tag) -> None:
        name, structure = tag.name, self.structure
        if name == "a":
            self.end_link()
        if (
            structure.unusual
            or self.spaces
            or name in _COUNTED
            or not structure.open
            or structure.open[-1].name != name
        ):
            is_empty = name != "p" or not structure.names[name]  # HTML, "in body": `</p>` alone is an empty paragraph
            structure.end(name)
            if tag.line_break and is_empty:
                self.break_line(tag.line_break)
        elif line_break := text_tags.line_break(name, structure.pop().style.display):
            self.break_line(line_break)

    def write_start(self, element: Element, attributes: str) -> None:
        if space := text_tags.space(element):
            self.spaces.append(space)
        match element.name:
            case "a":
                self.start_link(attributes)
            case "img":
                if text := tag_attributes.value(attributes, "alt").strip():
                    self.write_mark(f"[{text}]")
            case "area":
                self.write_area(attributes)
            case "li":
                if not element.style.display:
                    self.marks.append(f"\n{self.item_mark(attributes)}{text_lines.MARK_END}")
            case "ul" | "ol":
                self.lists.append(-1 if element.name == "ul" else _number(attributes, "start", 1) - 1)
            case "br" | "hr":
                self.marks.append(text_tags.MARKS[element.name])

    def closed(self, element: Element) -> None:
        """End an element, after the structure has closed it."""
        name = element.name
        if name in text_tags.WRITTEN:
            match name:
                case "a":
                    self.end_link()
                case "ul" | "ol":
                    self.lists.pop()
        if self.spaces and text_tags.space(element):
            self.spaces.pop()
        if line_break := text_tags.line_break(name, element.style.display):
            self.break_line(line_break)
        open_ = self.structure.open
        if element.hidden or self.hidden or (open_ and open_[-1].hidden):
            self.hide_as_around()

    def write_area(self, attributes: str) -> None:
        """Write a part of a picture that is a link."""
        if target := link_targets.followed(urls.resolve(tag_attributes.href(attributes), self.base)):
            self.break_line(text_tags.LINE)
            text = tag_attributes.value(attributes, "alt").strip()
            self.write_mark(f"{text} <{target}>" if text else f"<{target}>")
            self.break_line(text_tags.LINE)

    def start_link(self, attributes: str) -> str:
        """Begin a link; returns its URL."""
        self.end_link()
        url = urls.resolve(tag_attributes.href(attributes), self.base)
        self.link = link_targets.followed(url)
        self.link_pieces = self.marks
        self.link_start = len(self.marks)
        return url

    def item_mark(self, attributes: str) -> str:
        if not self.lists or self.lists[-1] < 0:
            return "*"
        self.lists[-1] = _number(attributes, "value", self.lists[-1] + 1)
        return f"{self.lists[-1]}."

    def end_link(self) -> None:
        if not self.link:
            return
        label = "".join(self.link_pieces[self.link_start :]).strip()
        if written := link_targets.behind(label, self.link):
            self.link_pieces.append(written)
        self.link = ""


def _number(attributes: str, name: str, otherwise: int) -> int:
    """The number of an item, or of the first item of a list; `otherwise` without a number from 1 on."""
    value = attributes and _NUMBER.fullmatch(tag_attributes.value(attributes, name))
    return int(value[1]) if value else otherwise
