"""The text that a reader sees in HTML, in one pass and in time linear in the length of any markup."""

import io
import re

from fake_email.html import elements, references, steps, style, text_tags, tokens, urls
from fake_email.html.structure import Element, Structure
from fake_email.html.text_tags import Tag

_TAGS = 2 * tokens.TAGS  # of HTML read
_SPACE = re.compile(r"[ \t\r\n\f]+")
# Senders fill up the line that a list of mail shows with characters that have no width.
_PADDING = re.compile("(?>(?:[\u00ad\u034f\u200b-\u200d\u2060\ufeff][ \u00a0]*+){3,})")

_KEPT_SPACE = "\u00a0"  # a space that is not collapsed; the rendered text has a plain space for it
_CELL = "\t"  # between cells; no text has a tab: tabs are collapsed, or replaced by spaces
_NOT_FOLLOWED = ("javascript:", "vbscript:", "data:", "cid:", "about:", "file:", "blob:")


def render(markup: str) -> str:
    """The text of HTML: blocks on lines, cells apart, lists marked, a link's target behind its text as `<target>`."""
    return _Renderer(markup[: tokens.CHARACTERS]).text()


class _Renderer:
    """One reading of one document, from its start to its end."""

    def __init__(self, markup: str) -> None:
        self.seen: list[str] = ["\n"]
        self.aside: list[str] = ["\n"]  # of the hidden element that is open
        self.hidden = 0
        self.pieces = self.seen  # where text is written; pictures, links and breaks go to `marks`
        self.marks = self.seen
        self.lists: list[int] = []  # the last number of each open list, negative where items have none
        self.preformatted = 0
        self.link = ""
        self.link_start = 0
        self.link_pieces = self.seen
        self.structure = Structure(self.closed, has_sheets=style.has_sheets(markup))
        self.base = tokens.base(markup)
        self.read(markup)

    def read(self, markup: str) -> None:
        scanner = tokens.Scanner(markup)
        tags = 0
        for type_, start, end, name, attributes in scanner:
            if type_ == "text":
                self.write(markup[start:end])
            else:
                tags += 1
                if type_ == "end":
                    self.end(text_tags.read(f"/{name}"))
                elif name in elements.UNSEEN:
                    scanner.skip_unseen(name, attributes)
                elif type_ == "start":
                    self.start(text_tags.read(f"{name}{attributes}"))
            tags = self.read_runs(scanner, tags)
            if tags >= _TAGS:
                break
        self.end_link()
        if len(self.aside) > 1:
            # A browser goes on hiding to the end. A sender's slip must not cost the reader the rest of the mail.
            self.seen += self.aside

    def read_runs(self, scanner: tokens.Scanner, tags: int) -> int:
        """Read the runs here; return the number of tags read so far."""
        known = text_tags.Known()
        for run in scanner.runs():
            if tags >= _TAGS:
                return tags
            inside, name, text, behind = run.groups()
            if inside is None:
                scanner.position = run.start()
                return tags
            tag = known[inside]
            tags += 1
            if name is None:
                self.end(tag)
            elif tag.is_unseen:
                scanner.position = run.start(3)
                scanner.skip_unseen(tag.name, tag.attributes)
                return tags
            elif behind is None:
                self.start(tag)
            else:
                tags += 1
                self.write_leaf(tag, text)
                text = behind
            if text:
                self.write(text)
        if scanner.markup.startswith("<", scanner.position):  # all of it was runs
            scanner.position = len(scanner.markup)
        return tags

    def write_leaf(self, tag: Tag, text: str) -> None:
        """Write an element that has only text inside."""
        if tag.is_leaf and not self.hidden and self.structure.stands_alone(tag.element):
            if tag.line_break:
                self.break_line(tag.line_break)
            if tag.is_cell:
                self.marks.append(_CELL)
            if tag.is_written:
                self.write_start(tag.name, tag.attributes, tag.element.style.display)
            if text:
                self.write(text)
            if tag.name == "a":
                self.end_link()
            if tag.line_break:
                self.break_line(tag.line_break)
            return
        self.start(tag)
        if text:
            self.write(text)
        self.end(text_tags.read(f"/{tag.name}"))

    def text(self) -> str:
        lines: list[str] = []
        text = "".join(self.seen)
        is_ascii = text.isascii()
        if not is_ascii:
            text = steps.change(text, _without_padding)
        for raw in io.StringIO(text):
            if raw == "\n":
                line = ""
            elif "\t" in raw:
                line = "  ".join(filter(None, map(_collapsed, raw.split(_CELL))))
            else:
                line = _collapsed(raw)
            if not is_ascii:
                line = steps.change(line, _with_plain_spaces)
            line = line.rstrip()
            if line or (lines and lines[-1]):
                lines.append(line)
        return "\n".join(lines).rstrip("\n")

    def write(self, run: str) -> None:
        for piece in steps.pieces(run) if len(run) > steps.CHARACTERS else (run,):
            text = references.in_text(piece) if "&" in piece else piece
            if self.preformatted:
                text = text.replace("\t", " " * 4).replace(" ", _KEPT_SPACE)
            elif not text.isprintable() or "  " in text:
                text = " " if text.isspace() and text.isascii() else _SPACE.sub(" ", text)
            if text == " " and self.pieces[-1][-1] in " \n":
                continue
            if text:
                self.pieces.append(text)

    def start(self, tag: Tag) -> None:
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
            self.marks.append(_CELL)
        if tag.is_written:
            self.write_start(opened.name, tag.attributes, opened.style.display)
        if tag.is_void and (opened.hidden or self.hidden):
            self.hide_as_around()

    def end(self, tag: Tag) -> None:
        if tag.name == "a":
            self.end_link()
        self.structure.end(tag.name)
        if tag.line_break:
            self.break_line(tag.line_break)

    def write_start(self, name: str, attributes: str, display: style.Display) -> None:
        match name:
            case "a":
                self.end_link()
                self.link = self.target(attributes)
                self.link_pieces = self.marks
                self.link_start = len(self.marks)
            case "img":
                if text := tokens.attribute(attributes, "alt").strip():
                    self.write_mark(f"[{text}]")
            case "area":
                self.write_area(attributes)
            case "li":
                if not display:
                    self.marks.append(f"\n{self.item_mark()} ")
            case "ul" | "ol":
                self.lists.append(-1 if name == "ul" else 0)
            case "pre":
                self.preformatted += 1
            case "br" | "hr":
                self.marks.append(text_tags.MARKS[name])

    def closed(self, element: Element) -> None:
        """End an element, after the structure has closed it."""
        name = element.name
        if name in text_tags.WRITTEN:
            match name:
                case "a":
                    self.end_link()
                case "ul" | "ol":
                    self.lists.pop()
                case "pre":
                    self.preformatted -= 1
        if line_break := text_tags.line_break(name, element.style.display):
            self.break_line(line_break)
        open_ = self.structure.open
        if element.hidden or self.hidden or (open_ and open_[-1].hidden):
            self.hide_as_around()

    def hide(self, hidden: int) -> None:
        """Set the following text aside while it is hidden; an element without size still shows its pictures."""
        self.hidden = hidden
        self.pieces = self.aside if hidden else self.seen
        self.marks = self.aside if hidden & ~style.NO_SIZE else self.seen

    def hide_as_around(self) -> None:
        """Hide what follows as the open element does; what stands in a hidden element that ended is dropped."""
        hidden = self.structure.hidden()
        if not hidden:
            self.aside = ["\n"]
        self.hide(hidden)

    def break_line(self, line_break: str) -> None:
        if line_break == text_tags.BLANK_LINE or self.marks[-1][-1] != "\n":
            self.marks.append(line_break)

    def write_mark(self, text: str) -> None:
        """Write the alternative of a picture."""
        self.marks.append(steps.change(text, _without_runs))

    def write_area(self, attributes: str) -> None:
        """Write a part of a picture that is a link."""
        if target := self.target(attributes):
            self.break_line(text_tags.LINE)
            text = tokens.attribute(attributes, "alt").strip()
            self.write_mark(f"{text} <{target}>" if text else f"<{target}>")
            self.break_line(text_tags.LINE)

    def target(self, attributes: str) -> str:
        url = urls.resolve(tokens.attribute(attributes, "href"), self.base)
        return "" if url[:4] != "http" and url[:11].lower().startswith(_NOT_FOLLOWED) else url

    def item_mark(self) -> str:
        if not self.lists or self.lists[-1] < 0:
            return "*"
        self.lists[-1] += 1
        return f"{self.lists[-1]}."

    def end_link(self) -> None:
        if not self.link:
            return
        label = "".join(self.link_pieces[self.link_start :]).strip()
        if label not in self.link or label not in _spellings(self.link):
            # RFC 3986, Appendix C: how a URI is set off in plain text.
            self.link_pieces.append(f" <{self.link}>" if label else f"<{self.link}>")
        self.link = ""


def _without_padding(text: str) -> str:
    return _PADDING.sub("", text)


def _collapsed(cell: str) -> str:
    cell = cell.strip(" \n")
    return steps.change(cell, _without_runs) if "  " in cell else cell


def _without_runs(cell: str) -> str:
    return _SPACE.sub(" ", cell)


def _with_plain_spaces(line: str) -> str:
    return line.replace(_KEPT_SPACE, " ")


def _spellings(target: str) -> tuple[str, ...]:
    short = target.removeprefix("mailto:").removeprefix("https://").removeprefix("http://")
    return target, short, target.rstrip("/"), short.rstrip("/")
