"""The addresses in From, To, Cc and Reply-To (RFC 5322 §3.4), read leniently and in linear time. Pure."""

import re

import msgspec

ADDRESS_CHARACTERS = 320  # RFC 5321 §4.5.3.1: local part 64, "@", domain 255; a longer one is invalid
NAME_CHARACTERS = 320
ADDRESSES = 100  # of one field
CHARACTERS = 8192  # of all names and addresses of one field
_TOKENS = 1_000  # read in one field

# An encoded word is one atom, whatever characters its sender forgot to encode.
_TOKEN = re.compile(
    r"(?P<atom>=\?[^?\s]{1,60}\?[bq]\?[^?]*+(?:\?(?!=)[^?]*+){0,20}\?=|\[[^\[\]\s]{0,255}\]|[^\s\",;:@()<>=]++|[=)])"
    r"|(?P<space>\s++)|<(?P<angle>[^<>]*+)>|<(?P<open>[^<>,;@]*+@[^<>,;]*+)(?![>@])|(?P<special>[\"(,;:@<>])",
    re.IGNORECASE,
)
_NAME_BEHIND = re.compile(r"\s*+<[^<>]*+>([^<>@,;:\"()]++)")
_QUOTED = re.compile(r'"(?>(?:[^"\\]|\\.)*)"', re.DOTALL)
_COMMENT_MARK = re.compile(r"[()]|\\.?", re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = re.compile(
    r"\s*+(?:\"?(?P<name>[\w !#$%&*+/=?^`{|}~.-]*+)\"?\s*+<(?P<address>[\w.+-]++@[\w.-]++)>"
    r"|(?P<bare>[\w.+-]++@[\w.-]++))\s*+"
)


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An address of a header field, and the name beside it, "" without one."""

    name: str
    address: str


def read(text: str) -> list[Address]:
    """The addresses of a field in order, those of groups too, ADDRESSES at most; names are "" where there are none.

    The text is the field unfolded, without control characters. Encoded words in names stay as they are. An entry
    without an address is left out.
    """
    plain = _PLAIN.fullmatch(text)
    if plain and len(text) <= ADDRESS_CHARACTERS:
        name, address, bare = plain.groups("")
        return [Address(name=" ".join(name.split()) if name else "", address=address or bare)]
    return _Reading(text).entries


def _entry(name: str, address: str) -> Address | None:
    local_part, _, domain = address.rpartition("@")
    if not local_part or not domain or len(address) > ADDRESS_CHARACTERS:
        return None
    name = " ".join(name.split()).strip(" ,")
    if name.startswith("'") and name.endswith("'"):
        name = name[1:-1]  # as Outlook writes names
    return Address(name=name[:NAME_CHARACTERS], address=address)


class _Reading:
    """One pass over one field; `words` is what stands before an address, as (text, shown text, has a space before)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.entries: list[Address] = []
        self.characters = CHARACTERS
        self.has_group = ";" in text
        self.unclosed = set[str]()  # a quotation mark or bracket whose end is missing is a character like any other
        self.start_entry()
        at = 0
        for _ in range(_TOKENS):
            if at >= len(text) or len(self.entries) >= ADDRESSES or self.characters <= 0:
                break
            at = self.step(at)
        self.end_entry()
        self.name_behind(text)

    def start_entry(self) -> None:
        self.words: list[tuple[str, str, bool]] = []
        self.address: list[str] = []  # of a bare address: the local part, "@" and what follows without a space
        self.comments: list[str] = []
        self.is_spaced = False

    def name_behind(self, text: str) -> None:
        """Give the only address of a field the name that its sender wrote behind it: `<a@x.example> Ann`."""
        behind = _NAME_BEHIND.fullmatch(text) if len(self.entries) == 1 and not self.entries[0].name else None
        if behind:
            self.entries = [
                Address(name=" ".join(behind[1].split())[:NAME_CHARACTERS], address=self.entries[0].address)
            ]

    def step(self, at: int) -> int:
        """Read one token; returns the offset of the next."""
        match = _TOKEN.match(self.text, at)
        if match is None:
            return at + 1
        if match["atom"]:
            self.word(match[0], match[0])
        elif match["space"]:
            self.is_spaced = True
        elif (angle := match["angle"] or match["open"]) is not None:
            self.end_entry(_in_angles(angle))
        elif match[0] == '"':
            return self.quoted(at)
        elif match[0] == "(":
            return self.comment(at)
        else:
            self.mark(match[0])
        return match.end()

    def mark(self, mark: str) -> None:
        if mark == "@":
            self.at_sign()
        elif mark == ":" and not self.address:
            self.colon()
        elif mark in ",;:" and self.address:
            self.end_entry()
        elif mark in ",;" and self.words:  # "Doe, John <j@x.example>", whose sender forgot the quotation marks
            self.words.append((mark, mark, False))

    def colon(self) -> None:
        """Drop the name of a group; where no group ends, the colon is one in a name that lacks quotation marks."""
        if self.has_group:
            self.start_entry()
        else:
            self.words.append((":", ":", self.is_spaced))
            self.is_spaced = False

    def word(self, text: str, shown: str) -> None:
        if self.address and (self.address[-1] == "@" or not self.is_spaced):
            self.address.append(text)
        else:
            self.words.append((text, shown, self.is_spaced))
        self.is_spaced = False

    def quoted(self, at: int) -> int:
        match = None if '"' in self.unclosed else _QUOTED.match(self.text, at)
        if match is None:
            self.unclosed.add('"')
            return at + 1
        self.word(match[0], _QUOTED_PAIR.sub(r"\1", match[0][1:-1]))
        return match.end()

    def comment(self, at: int) -> int:
        end = 0 if "(" in self.unclosed else _comment_end(self.text, at)
        if not end:
            self.unclosed.add("(")
            return at + 1
        self.comments.append(self.text[at + 1 : end - 1] if self.address and self.address[-1] != "@" else "")
        return end

    def at_sign(self) -> None:
        local_part: list[str] = []
        while self.words and self.words[-1][0] not in {",", ";", ":"}:
            text, _, is_spaced = self.words.pop()
            local_part.append(text)
            if is_spaced:
                break
        if self.address and local_part:  # the comma between two addresses is missing
            self.end_entry()
        if local_part:
            self.address = [*reversed(local_part), "@"]

    def end_entry(self, address: str = "") -> None:
        bare = "".join(self.address)
        if address or not self.address:
            name = "".join(" " * is_spaced + shown for _, shown, is_spaced in self.words)
            name = f"{name} {bare}" if bare else name
        else:
            name = "".join(self.comments).strip() if len(self.comments) == 1 else ""  # RFC 822: a@x.example (Ann)
        entry = _entry(name, address or bare.strip("'"))
        if entry:
            self.entries.append(entry)
            self.characters -= len(entry.name) + len(entry.address)
        self.start_entry()


def _in_angles(inner: str) -> str:
    """The address between angle brackets, without comments, blanks and the route before it (RFC 5322 §4.4)."""
    pieces: list[str] = []
    at = 0
    while at < len(inner):
        match = _QUOTED.match(inner, at) if inner[at] == '"' else None
        end = match.end() if match else _comment_end(inner, at) if inner[at] == "(" else 0
        if match or not end:
            pieces.append(match[0] if match else inner[at].strip())
        at = end or at + 1
    address = "".join(pieces)
    if address.startswith("@"):
        address = address.partition(":")[2]
    return address.removeprefix("mailto:").strip("',:;")


def _comment_end(text: str, at: int) -> int:
    """The offset behind the comment that starts here, with the comments in it (RFC 5322 §3.2.2); 0 without an end."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.end()
    return 0
