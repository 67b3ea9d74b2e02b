"""The text in RTF ([MSFT-RTF]), or the HTML that Outlook has put in it ([MS-OXRTFEX]), in time linear in its length.

A group is what stands between braces; it begins with the state around it, and has no effect on the state behind it.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from fake_email.mime import charset as mime_charset
from fake_email.mime import rtf_words

DEPTH = 500  # of groups; text that is deeper is not read
FONTS = 2_000

_TOKENS_AT_ONCE = 4_096  # some milliseconds; the clock is read in between
_TOKEN = re.compile(
    rb"(?P<text>[^\\{}\r\n\0]++)|(?P<octets>(?:\\'[0-9a-fA-F]{2})++)|(?P<brace>[{}])|(?P<optional>\\\*)"
    rb"|\\(?P<word>[a-zA-Z]{1,32}+)(?P<number>-?[0-9]{1,10}+)?[ ]?|\\(?P<symbol>[^a-zA-Z'])|[\r\n\0]++|\\'?"
)
_URL = re.compile(rb"[ ]*+HYPERLINK[ ]++(?:\"([^\"]{1,8192})\"|([^ \"\\]{1,8192}))", re.IGNORECASE)
_URL_OCTETS = 8_300
_LABEL_PIECES = 100
_BEYOND_BMP = 0x10000


class Document(NamedTuple):
    """The text of a document, and its media type."""

    type: str
    text: str


class _State(NamedTuple):
    """The settings inside a group."""

    is_seen: bool = True
    label: str = ""  # of the font's charset; empty for that of the document
    fallbacks: int = 1  # characters behind each `\u`, for readers without Unicode
    is_hidden: bool = False
    is_only_rtf: bool = False  # MS-OXRTFEX: it was not in the HTML
    is_font_table: bool = False
    is_target: bool = False  # of a link


_START = _State()


def read(octets: bytes, is_over: Callable[[], bool] = lambda: False) -> Document:
    """The text of these octets, without HTML in them plain; reading ends early when the time `is_over`."""
    reading = _Reading(octets, is_over)
    reading.read()
    return Document("text/html" if reading.is_html else "text/plain", reading.text())


class _Reading:
    """One reading of one document, from its start to its end."""

    def __init__(self, octets: bytes, is_over: Callable[[], bool]) -> None:
        self.octets = octets
        self.is_over = is_over
        self.is_html = False
        self.label = "cp1252"  # of the document
        self.fonts: dict[int, str] = {}
        self.font = 0  # that the font table describes
        self.default_font = -1
        self.state = _START
        self.around: list[_State] = []  # of the groups that are open
        self.is_start = False  # of a group
        self.is_optional = False  # a group that began with `\*`
        self.fallbacks = 0  # characters to be left out
        self.raw = bytearray()  # 8-bit text that is not decoded yet, since a character may have several octets
        self.raw_label = ""
        self.pieces: list[str] = []
        self.target = bytearray()
        self.links: list[tuple[int, str, int]] = []  # the depth of a field, its URL, and where its text begins

    def text(self) -> str:
        self.flush()
        text = mime_charset.storable("".join(self.pieces))
        return text if self.is_html else text.replace("  \n", "\n")

    def read(self) -> None:
        position, match, tokens = 0, _TOKEN.match, 0
        while token := match(self.octets, position):
            position = token.end()
            tokens += 1
            if tokens % _TOKENS_AT_ONCE == 0 and self.is_over():
                return
            octets = token[0]
            match token.lastgroup:
                case "text":
                    self.write_octets(octets)
                case "octets":
                    self.write_octets(bytes.fromhex(octets.decode().replace("\\'", "")))
                case "brace":
                    if not self.read_brace(is_open=octets == b"{"):
                        return
                case "optional":
                    self.is_optional = self.is_start
                    continue
                case "symbol":
                    self.read_word(token["symbol"], None)
                case "word" | "number":
                    position += self.read_word(token["word"], int(token["number"]) if token["number"] else None)
                case _:
                    continue  # a line break
            self.is_start = octets == b"{"

    def read_brace(self, *, is_open: bool) -> bool:
        """Begin or end a group; false where nothing more is to be read."""
        self.fallbacks = 0
        self.is_optional = False
        if is_open:
            self.around.append(self.state)
            return len(self.around) <= DEPTH
        if not self.around:
            return False
        if self.state.is_target and not self.around[-1].is_target:
            self.flush()
            depth = len(self.around) - 1
            if (url := _URL.match(self.target)) and (not self.links or self.links[-1][0] < depth):
                encoded = bytes(url[1] or url[2])
                self.links.append((depth, mime_charset.decode(encoded, self.label), len(self.pieces)))
            self.target.clear()
        is_font_table = self.state.is_font_table
        self.state = self.around.pop()
        if is_font_table and not self.state.is_font_table:
            self.state = self.state._replace(label=self.fonts.get(self.default_font, ""))
        if self.links and len(self.around) < self.links[-1][0]:
            self.end_link()
        return bool(self.around)  # anything behind the document is ignored

    def end_link(self) -> None:
        """Write the target of a link behind its text, as the text of HTML has it."""
        self.flush()
        _, url, start = self.links.pop()
        label = "".join(self.pieces[start : start + _LABEL_PIECES]).strip()
        if not self.is_html and label not in {url, url.removeprefix("mailto:"), url.rstrip("/")}:
            self.pieces.append(f" <{url}>" if label else f"<{url}>")

    def read_word(self, word: bytes, number: int | None) -> int:  # noqa: C901, PLR0912  # one case for each word
        """Obey a control word; returns the number of binary octets behind it."""
        state = self.state
        if self.is_start and (word in rtf_words.UNSEEN or self.is_optional) and word not in {b"htmltag", b"fldinst"}:
            self.state = state._replace(is_seen=False, is_target=False)
            return 0
        match word:
            case b"bin":
                return max(0, number or 0)
            case b"u":
                if number is not None:
                    self.write(chr(number % _BEYOND_BMP))
                    self.fallbacks = state.fallbacks
            case b"uc":
                self.state = state._replace(fallbacks=max(0, number or 0))
            case b"f":
                self.read_font(-1 if number is None else number)
            case b"fcharset" | b"cpg" if state.is_font_table:
                label = rtf_words.OF_FONT.get(number or 0, "") if word == b"fcharset" else f"cp{number}"
                if len(self.fonts) < FONTS or self.font in self.fonts:
                    self.fonts[self.font] = label
            case b"fonttbl":
                self.state = state._replace(is_seen=False, is_font_table=True)
            case b"deff":
                self.default_font = number or 0
            case b"plain":
                self.state = state._replace(is_hidden=False, label=self.fonts.get(self.default_font, ""))
            case b"ansicpg" if number:
                self.label = f"cp{number}"
            case b"ansi" | b"mac" | b"pc" | b"pca":
                self.label = rtf_words.OF_DOCUMENT[word]
            case b"fromhtml":
                self.is_html = number != 0
            case b"htmlrtf":
                self.state = state._replace(is_only_rtf=number != 0)
            case b"htmltag":
                self.state = state._replace(is_seen=state.is_seen and self.is_html, label="", is_hidden=False)
            case b"fldinst":
                self.state = state._replace(is_seen=False, is_target=not self.is_html)
            case b"v" | b"deleted":
                self.state = state._replace(is_hidden=number != 0)
            case _:
                if text := rtf_words.TEXTS.get(word):
                    if self.fallbacks:
                        self.fallbacks -= 1
                    else:
                        self.write(text)
        return 0

    def read_font(self, number: int) -> None:
        if self.state.is_font_table:
            self.font = number
        else:
            self.state = self.state._replace(label=self.fonts.get(number, ""))

    def write_octets(self, octets: bytes) -> None:
        if self.fallbacks:
            left_out = min(self.fallbacks, len(octets))
            self.fallbacks -= left_out
            octets = octets[left_out:]
        state = self.state
        if state.is_target and len(self.target) < _URL_OCTETS:
            self.target += octets
        elif octets and self.is_shown(state):
            label = state.label or self.label
            if label != self.raw_label:
                self.flush()
                self.raw_label = label
            self.raw += octets

    def write(self, text: str) -> None:
        if self.is_shown(self.state):
            self.flush()
            self.pieces.append(text)
        elif self.state.is_target and len(self.target) < _URL_OCTETS:
            self.target += text.encode("ascii", "ignore")

    def is_shown(self, state: _State) -> bool:
        if self.is_html:
            return state.is_seen and not state.is_only_rtf
        return state.is_seen and not state.is_hidden

    def flush(self) -> None:
        if self.raw:
            self.pieces.append(mime_charset.decode(bytes(self.raw), self.raw_label))
            self.raw.clear()
