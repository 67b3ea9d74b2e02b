"""The text that a reader sees in HTML, in one pass and in time linear in the length of any markup."""

import io
import itertools
import re

from fake_email.html import steps, tokens, visibility
from fake_email.html.visibility import Hidden

CHARACTERS = 1024 * 1024  # of HTML read
TOKENS = 100_000  # of HTML read; a long newsletter has some 10,000
LINK_CHARACTERS = 8192  # longer targets (data: URLs) are left out

_SPACE = re.compile(r"[ \t\r\n\f]+")
# Senders fill up the line that a list of mail shows with characters that have no width.
_PADDING = re.compile("(?>(?:[\u00ad\u034f\u200b-\u200d\u2060\ufeff][ \u00a0]*+){3,})")

_UNSEEN = frozenset({"iframe", "script", "style", "template", "title"})
_KEPT_SPACE = "\u00a0"  # a space that is not collapsed; the rendered text has a plain space for it
_CELL = "\t"  # between cells; no text has a tab: tabs are collapsed, or replaced by spaces
_LINE, _BLANK_LINE = "\n", "\n\n"
_BREAKS = dict.fromkeys(
    """address article aside body center dd div dt fieldset figcaption figure footer form header legend main nav option
    section tr""".split(),  # noqa: SIM905 - one a line is a page
    _LINE,
) | dict.fromkeys("blockquote dl h1 h2 h3 h4 h5 h6 ol p pre table ul".split(), _BLANK_LINE)  # noqa: SIM905 - as above
_MARKS = {"br": "\n", "hr": "\n---\n", "td": _CELL, "th": _CELL}


def render(markup: str) -> str:
    """The text of HTML: blocks on lines, cells apart, lists marked, a link's target behind its text as `<target>`."""
    return _Renderer(markup[:CHARACTERS]).text()


class _Renderer:
    """One reading of one document, from its start to its end."""

    def __init__(self, markup: str) -> None:
        self.pieces: list[str] = ["\n"]
        self.before_hidden: list[str] = []  # the pieces before a hidden element, inside of one
        self.hidden: Hidden | None = None
        self.lists: list[int] = []  # the last number of each open list, negative where items have none
        self.preformatted = 0
        self.link = ""
        self.link_start = 0
        self.scanner = tokens.Scanner(markup)
        for type_, start, end, name, attributes in itertools.islice(self.scanner, TOKENS):
            if type_ == "text":
                self.write(markup[start:end])
            elif type_ != "comment":
                self.tag(name, attributes, is_end=type_ == "end")
        self.end_link()
        # A browser goes on hiding to the end. A sender's slip must not cost the reader the rest of the mail.
        self.pieces = self.before_hidden + self.pieces

    def tag(self, name: str, attributes: str, *, is_end: bool) -> None:
        if self.hidden and self.hidden.ends_at(name, _style(attributes), is_end=is_end):
            self.link = ""
            self.pieces, self.before_hidden = self.before_hidden, []
            self.hidden = None
        if is_end:
            self.close(name)
        elif name in _UNSEEN:
            self.scanner.skip(name)
        elif not (attributes and self.is_hidden(name, attributes)):
            self.open(name, attributes)

    def text(self) -> str:
        lines: list[str] = []
        for raw in io.StringIO(steps.change("".join(self.pieces), _without_padding)):
            cells = [steps.change(cell, _collapsed).strip(" ") for cell in raw.split(_CELL)] if raw != "\n" else []
            line = steps.change("  ".join(filter(None, cells)), _with_plain_spaces).rstrip()
            if line or (lines and lines[-1]):
                lines.append(line)
        return "\n".join(lines).rstrip("\n")

    def write(self, run: str) -> None:
        for piece in steps.pieces(run) if len(run) > steps.CHARACTERS else (run,):
            text = tokens.unescape(piece)
            if self.preformatted:
                text = text.replace("\t", " " * 4).replace(" ", _KEPT_SPACE)
            else:
                text = _SPACE.sub(" ", text)
                if text == " " and self.pieces[-1][-1] in " \n":
                    continue
            if text:
                self.pieces.append(text)

    def open(self, name: str, attributes: str) -> None:
        self.break_line(name)
        match name:
            case "a":
                self.end_link()
                self.link = _target(tokens.attribute(attributes, "href"))
                self.link_start = len(self.pieces)
            case "img":
                self.write(_alternative(attributes))
            case "li":
                self.pieces.append(f"\n{self.item_mark()} ")
            case "ul" | "ol":
                self.lists.append(-1 if name == "ul" else 0)
            case "pre":
                self.preformatted += 1
            case _ if name in _MARKS:
                self.pieces.append(_MARKS[name])

    def close(self, name: str) -> None:
        match name:
            case "a":
                self.end_link()
            case "ul" | "ol":
                if self.lists:
                    self.lists.pop()
            case "pre":
                self.preformatted = max(0, self.preformatted - 1)
        self.break_line(name)

    def break_line(self, name: str) -> None:
        line_break = _BREAKS.get(name)
        if line_break and (line_break == _BLANK_LINE or not self.pieces[-1].endswith("\n")):
            self.pieces.append(line_break)

    def is_hidden(self, name: str, attributes: str) -> bool:
        """True for a start tag that hides its element; the text up to the end of the element is then set aside."""
        if not visibility.may_hide(attributes) or (self.hidden and name not in visibility.VOID):
            return False
        by = visibility.hides(name, attributes, _style(attributes))
        if by and name not in visibility.VOID:
            self.end_link()
            self.before_hidden, self.pieces = self.pieces, ["\n"]
            self.hidden = Hidden(name, by)
        return bool(by)

    def item_mark(self) -> str:
        if not self.lists or self.lists[-1] < 0:
            return "*"
        self.lists[-1] += 1
        return f"{self.lists[-1]}."

    def end_link(self) -> None:
        if not self.link:
            return
        label = "".join(self.pieces[self.link_start :]).strip()
        if label not in _spellings(self.link):
            # RFC 3986, Appendix C: how a URI is set off in plain text.
            self.pieces.append(f" <{self.link}>" if label else f"<{self.link}>")
        self.link = ""


def _without_padding(text: str) -> str:
    return _PADDING.sub("", text)


def _collapsed(cell: str) -> str:
    return _SPACE.sub(" ", cell)


def _with_plain_spaces(line: str) -> str:
    return line.replace(_KEPT_SPACE, " ")


def _style(attributes: str) -> str:
    return tokens.attribute(attributes[: visibility.CHARACTERS], "style")


def _alternative(attributes: str) -> str:
    text = tokens.attribute(attributes, "alt").strip()
    return f"[{text}]" if text else ""


def _target(href: str) -> str:
    if len(href) > 2 * LINK_CHARACTERS:
        return ""
    target = "".join(href.split())
    if len(target) > LINK_CHARACTERS or target.lower().startswith(("#", "javascript:", "data:", "cid:")):
        return ""
    return target


def _spellings(target: str) -> tuple[str, ...]:
    short = target.removeprefix("mailto:").removeprefix("https://").removeprefix("http://")
    return target, short, target.rstrip("/"), short.rstrip("/")
