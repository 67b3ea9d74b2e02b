"""The content of a message while it arrives: kept as it came, within bounds. Pure."""

import io
import re
from typing import Literal

from fake_email.mime import headers as mime_headers
from fake_email.settings import Settings
from smtp_ingest.memory_budget import MemoryBudget

Fault = Literal["too_large", "header_too_large", "line_too_long", "too_many_hops", "no_room"]

_BLANK_LINE = re.compile(rb"(?:^|\n)\r?\n")
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
# RFC 5321 §6.3 wants at least 100; more is a loop.
_MAX_HOPS = 100


class Content:
    """The octets of one message; once there is a `fault` it keeps none, and the rest is only passed over."""

    def __init__(self, settings: Settings, room: MemoryBudget) -> None:
        self._settings = settings
        self._room = room
        self._taken = 0
        # Not bytearray, whose octets would have to be copied out of it in the end.
        self._buffer = io.BytesIO()
        self._line_octets = 0
        self._is_header_known = False
        self.fault: Fault | None = None

    def add(self, octets: bytes) -> None:
        """Keep more octets."""
        if self.fault is not None:
            return
        self._buffer.write(octets)
        size = self._buffer.tell()
        if size > self._settings.max_message_octets:
            self.fault = "too_large"
        elif self._has_long_line(octets):
            self.fault = "line_too_long"
        elif not self._is_header_known and self._has_large_header(size):
            self.fault = "header_too_large"
        else:
            self._find_room(size)
        if self.fault is not None:
            self.clear()

    def take(self) -> bytes:
        """The whole content, which is not kept here any more; its room stays taken until `clear`."""
        octets = self._buffer.getvalue()
        self._buffer = io.BytesIO()
        return octets

    def clear(self) -> None:
        """Keep nothing, and leave the room."""
        self._buffer = io.BytesIO()
        self._room.leave(self._taken)
        self._taken = 0

    def close(self) -> None:
        """Nothing more comes: see what can be seen of the whole only."""
        if self.fault is None and self._hops() > _MAX_HOPS:
            self.fault = "too_many_hops"
            self.clear()

    def _find_room(self, size: int) -> None:
        taken = self._room.take(size, self._taken)
        if taken is None:
            self.fault = "no_room"
        else:
            self._taken = taken

    def _has_long_line(self, octets: bytes) -> bool:
        first, last = octets.find(b"\n"), octets.rfind(b"\n")
        longest = self._line_octets + (first if first >= 0 else len(octets))
        # A line that is whole in `octets` is shorter than any bound: so little is read at a time.
        self._line_octets = longest if last < 0 else len(octets) - last - 1
        return longest > self._settings.max_line_octets

    def _has_large_header(self, size: int) -> bool:
        limit = self._settings.max_header_octets
        if size <= limit:
            return False
        self._is_header_known = True
        beginning = bytes(self._buffer.getbuffer()[: limit + 2])
        if _BLANK_LINE.search(beginning):
            return False
        # No blank line so far, but what stands here may be no header section at all.
        lines = beginning[: beginning.rfind(b"\n", 0, limit) + 1 or limit]
        _, body = mime_headers.read(lines, 0, len(lines))
        return body == len(lines)

    def _hops(self) -> int:
        octets, limit = self._buffer.getvalue(), self._settings.max_header_octets
        if octets.count(b"\n", 0, limit) <= _MAX_HOPS:
            return 0  # most mail: fewer lines than it takes
        blank = _BLANK_LINE.search(octets, 0, limit)
        return sum(1 for _ in _RECEIVED.finditer(octets, 0, blank.start() + 1 if blank else limit))
