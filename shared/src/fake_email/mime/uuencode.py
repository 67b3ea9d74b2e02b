"""Files in uuencode (POSIX.1), as the encoding of a part or within text. Pure."""

import binascii
import re
from collections.abc import Iterator

import msgspec

LINES = 1_000_000  # of one file; the rest of a file with more is not read
FILES = 100  # in one text

_BEGIN = re.compile(rb"begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?\n")
_LAST = re.compile(rb"\n(?:[` ]?[ ]*\r?\n)?end[ \t]*(?:\r?\n|\Z)")
_LONGEST_LINE = 100  # a line has 61 characters
_VALID = bytes(octet if 32 <= octet <= 96 else 32 for octet in range(256))  # noqa: PLR2004
_VALUES = bytes((octet - 32) & 63 if 32 <= octet <= 96 else 0 for octet in range(256))  # noqa: PLR2004


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file within text: its name, and its offsets from the line `begin` to the end of the line `end`."""

    name: bytes
    start: int
    end: int


def files(content: bytes, start: int, end: int) -> Iterator[File]:
    """The files in the text between two offsets, FILES at most. A text without `end` is text, not a file."""
    at = start
    for _ in range(FILES):
        begin = at if content.startswith(b"begin ", at) else content.find(b"\nbegin ", at, end) + 1
        if not begin and at:
            return
        match = _BEGIN.match(content, begin, end)
        if match is None or not _is_data(content, match.end(), end):
            following = content.find(b"\nbegin ", begin, end)
            if following < 0:
                return
            at = following
            continue
        last = _LAST.search(content, match.end() - 1, end)
        if last is None:
            return
        yield File(name=match[1].strip(), start=begin, end=last.end())
        at = last.end()


def _is_data(content: bytes, at: int, end: int) -> bool:
    """True when the line here is as long as its first character says."""
    line = content[at : min(end, at + _LONGEST_LINE)].partition(b"\n")[0].rstrip()
    if not line:
        return False
    octets = _VALUES[line[0]]
    return (octets + 2) // 3 * 4 - 2 <= len(line) - 1 <= (octets + 2) // 3 * 4 + 2


class Decoder:
    """The decoding of one file, which comes in pieces; what stands before `begin` and behind `end` is left out."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_begun = False
        self._is_over = False
        self._lines = 0

    def feed(self, encoded: bytes, *, is_last: bool) -> bytes:
        """The octets that this piece completes."""
        if self._is_over:
            return b""
        lines = (self._rest + encoded).split(b"\n")
        self._rest = b"" if is_last else lines.pop()[: 2 * _LONGEST_LINE]
        pieces: list[bytes] = []
        for line in lines:
            self._lines += 1
            if self._lines > LINES:
                self._is_over = True
                break
            if not self._is_begun:
                self._is_begun = line.startswith(b"begin ")
            elif line.strip():
                pieces.append(_decode_line(line))
                if not pieces[-1]:
                    self._is_over = True
                    break
        return b"".join(pieces)


def _decode_line(line: bytes) -> bytes:
    """The octets of one line; none for the last line and for `end`. Blanks that were cut off its end count as zeros."""
    if line.startswith(b"end") and len(line.strip()) == len(b"end"):
        return b""
    # Two characters and more of the last group may hold anything: senders differ.
    characters = (_VALUES[line[0]] * 4 + 2) // 3
    return binascii.a2b_uu(line[: 1 + characters].translate(_VALID))
