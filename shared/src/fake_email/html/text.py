"""What does a reader see in this HTML? Text, in one pass and time linear in its length, whatever the markup."""

import html
import io
import re
from collections.abc import Callable, Iterator

from fake_email.html import visibility
from fake_email.html.visibility import Hidden

CHARACTERS = 1024 * 1024  # of HTML looked at
TOKENS = 100_000  # tags and runs of text; a long newsletter has some 10,000
LINK_CHARACTERS = 8192  # longer ones (data: URLs) are not for reading

# What runs in C holds the interpreter's lock until it returns: it gets this many characters, or up to twice as many.
_STEP = 8192
# No white space, no character reference and no padding reaches across one of these.
_CUT = re.compile(r"[ \t\r\n\f&\w](?:(?<=\w[ \t\r\n\f])|(?<=[ \t\n\f]\w)|(?<=&)|(?<=[^\W\x00-\x7f]))")

_IN_TAG = r"(?>(?:[^>=]++|=\s*+\"[^\"]*+(?:\"|\Z)|=\s*+'[^']*+(?:'|\Z)|=){0,1000})"
_TOKEN = re.compile(
    rf"<(/?)([a-zA-Z][^\s/>]*+)({_IN_TAG})>?"
    r"|(?>(?:[^<]++|<(?![a-zA-Z/!?])){1,1000})"
    r"|<(?:(!--)|[!?/][^>]*+>?)"
)
_REST_OF_TAG = re.compile(rf"({_IN_TAG})>?")
_ATTRIBUTE = re.compile(r"(?<![\w:-])([a-zA-Z][\w:-]*+)\s*+=\s*+(?:\"([^\"]*+)|'([^']*+)|([^\s\"'>]++))")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")
# Senders fill up the line that a list of mail shows with characters that have no width.
_PADDING = re.compile("(?>(?:[\u00ad\u034f\u200b-\u200d\u2060\ufeff][ \u00a0]*+){3,})")

_UNSEEN = {
    name: re.compile(rf"</{name}(?=[\s/>]|\Z)", re.IGNORECASE)
    for name in ("script", "style", "title", "template", "iframe")
}
_BLOCK = re.compile(
    r"(address|article|aside|body|center|d[dt]|div|fieldset|fig(?:caption|ure)|footer|form|header|legend|main|nav"
    r"|option|section|tr)|(blockquote|[dou]l|h[1-6]|p|pre|table)"
)
_KEPT_SPACE = "\u00a0"  # one that is not collapsed; it leaves as a plain space
_CELL = "\t"  # none comes from text: there tabs are collapsed, or made spaces


def render(markup: str) -> str:
    """The text of HTML: blocks on lines, cells apart, lists marked, a link's target behind it as `<target>`."""
    return _Page(markup[:CHARACTERS]).text()


class _Page:
    """One reading of one document, from its start to its end."""

    def __init__(self, markup: str) -> None:
        self.pieces: list[str] = ["\n"]
        self.shown: list[str] = []  # what came before a hidden element, while in one
        self.hidden: Hidden | None = None
        self.lists: list[int] = []  # the last number of each open list, negative where items have none
        self.preformatted = 0
        self.link = ""
        self.link_start = 0
        self.never_closed: set[str] = set()
        at = 0
        for _ in range(TOKENS):
            token = _TOKEN.match(markup, at)
            if token is None:
                break
            at = token.end()
            if token[2] is None:
                if token[4]:
                    at = _comment_end(markup, at)
                elif not markup.startswith(("<!", "<?", "</"), token.start()):
                    self.write(token[0])
                continue
            tag, attributes = token[2].lower(), token[3]
            if at == token.end(3):
                at, attributes = _rest_of_tag(markup, token)
                if not markup.endswith(">", 0, at):
                    break  # cut inside a tag: no browser shows the rest
            at = self.tag(tag, attributes, markup, at, is_closing=token[1] != "")
        self.end_link()
        # A browser would go on hiding; here what was perhaps a slip of the sender's costs nobody the mail.
        self.pieces = self.shown + self.pieces

    def tag(self, tag: str, attributes: str, markup: str, at: int, *, is_closing: bool) -> int:
        """Where to read on."""
        if self.hidden:
            self.leave_hidden(tag, attributes, is_closing=is_closing)
        if is_closing:
            self.close(tag)
        elif tag in _UNSEEN:
            return self.skip(tag, markup, at)
        elif not self.is_hidden(tag, attributes):
            self.open(tag, attributes)
        return at

    def text(self) -> str:
        lines: list[str] = []
        for raw in io.StringIO(_in_steps(_without_padding, "".join(self.pieces))):
            cells = [_in_steps(_collapsed, cell).strip(" ") for cell in raw.split(_CELL)] if raw != "\n" else []
            line = _in_steps(_freed, "  ".join(filter(None, cells))).rstrip()
            if line or (lines and lines[-1]):
                lines.append(line)
        return "\n".join(lines).rstrip("\n")

    def write(self, run: str) -> None:
        for piece in _steps(run) if len(run) > _STEP else (run,):
            text = unescape(piece)
            if self.preformatted:
                text = text.replace("\t", " " * 4).replace(" ", _KEPT_SPACE)
            else:
                text = _SPACE.sub(" ", text)
                if text == " " and self.pieces[-1][-1] in " \n":
                    continue
            if text:
                self.pieces.append(text)

    def open(self, tag: str, attributes: str) -> None:
        self.break_at(tag)
        match tag:
            case "br" | "hr":
                self.pieces.append("\n" if tag == "br" else "\n---\n")
            case "td" | "th":
                self.pieces.append(_CELL)
            case "ul" | "ol":
                self.lists.append(-1 if tag == "ul" else 0)
            case "li":
                self.pieces.append(f"\n{self.item_mark()} ")
            case "pre":
                self.preformatted += 1
            case "a":
                self.end_link()
                self.link = _target(attribute(attributes, "href"))
                self.link_start = len(self.pieces)
            case "img":
                self.write(_alternative(attributes))

    def close(self, tag: str) -> None:
        match tag:
            case "a":
                self.end_link()
            case "ul" | "ol":
                if self.lists:
                    self.lists.pop()
            case "pre":
                self.preformatted = max(0, self.preformatted - 1)
        self.break_at(tag)

    def break_at(self, tag: str) -> None:
        block = _BLOCK.fullmatch(tag)
        if block and block[2]:
            self.pieces.append("\n\n")
        elif block and not self.pieces[-1].endswith("\n"):
            self.pieces.append("\n")

    def is_hidden(self, tag: str, attributes: str) -> bool:
        """Whether this opens, or is, what no reader sees; then what follows goes aside until it is closed."""
        if not visibility.may_hide(attributes) or (self.hidden and tag not in visibility.NEVER_CLOSED):
            return False
        by = visibility.hides(tag, attributes, _style(attributes))
        if by and tag not in visibility.NEVER_CLOSED:
            self.end_link()
            self.shown, self.pieces = self.pieces, ["\n"]
            self.hidden = Hidden(tag, by)
        return bool(by)

    def leave_hidden(self, tag: str, attributes: str, *, is_closing: bool) -> None:
        if self.hidden and self.hidden.is_left(tag, _style(attributes), is_closing=is_closing):
            self.link = ""
            self.pieces, self.shown = self.shown, []
            self.hidden = None

    def skip(self, tag: str, markup: str, at: int) -> int:
        """Where the closing tag of an unseen element stands, or here when it has none."""
        if tag in self.never_closed:
            return at
        for start in range(at, len(markup), _STEP):
            closing = _UNSEEN[tag].search(markup, start, start + _STEP + len("</template>"))
            if closing and closing.start() < start + _STEP:
                return closing.start()
        self.never_closed.add(tag)
        return at

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


def _comment_end(markup: str, at: int) -> int:
    end = markup.find("-->", at)
    return end + len("-->") if end >= 0 else len(markup)


def _rest_of_tag(markup: str, token: re.Match[str]) -> tuple[int, str]:
    """Where a tag of more attributes than the pattern takes at once ends, and all of them."""
    attributes_end = at = token.end()
    while at == attributes_end < len(markup):
        rest = _REST_OF_TAG.match(markup, at)
        if rest is None:
            break
        attributes_end, at = rest.end(1), rest.end()
    return at, markup[token.start(3) : attributes_end]


def _in_steps(change: Callable[[str], str], text: str) -> str:
    """As `change(text)`."""
    return change(text) if len(text) <= _STEP else "".join(map(change, _steps(text)))


def _steps(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        cut = _CUT.search(text, at + _STEP, at + 2 * _STEP)
        end = cut.start() if cut else at + 2 * _STEP
        yield text[at:end]
        at = end


def _without_padding(text: str) -> str:
    return _PADDING.sub("", text)


def _collapsed(cell: str) -> str:
    return _SPACE.sub(" ", cell)


def _freed(line: str) -> str:
    return line.replace(_KEPT_SPACE, " ")


def _style(attributes: str) -> str:
    return attribute(attributes[: visibility.CHARACTERS], "style")


def attribute(attributes: str, wanted: str) -> str:
    """The value of an attribute in the inside of a tag, references resolved; empty where there is none."""
    at = 0
    while at < len(attributes):
        found = _ATTRIBUTE.search(attributes, at, at + _STEP)
        if found is None:
            at += _STEP // 2
            continue
        if found.end() == at + _STEP:
            found = _ATTRIBUTE.match(attributes, found.start()) or found
        if found[1].lower() == wanted:
            return _in_steps(unescape, found[2] or found[3] or found[4] or "")
        at = found.end()
    return ""


def _alternative(attributes: str) -> str:
    text = attribute(attributes, "alt").strip()
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


def unescape(text: str) -> str:
    """The text with its character references resolved."""
    # `html.unescape` raises on a number of more digits than `int` takes.
    return html.unescape(_HUGE_REFERENCE.sub("\ufffd", text)) if "&" in text else text
