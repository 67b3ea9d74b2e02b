"""The content of an incoming message: kept octet for octet, within limits. Pure."""

import io
import re
from typing import Literal

from fake_email.mime import headers as mime_headers
from fake_email.settings import Settings
from smtp_ingest.memory_budget import MemoryBudget

Fault = Literal["too_large", "header_too_large", "line_too_long", "too_many_hops", "no_room"]

_BLANK_LINE = re.compile(rb"(?:^|\n)\r?\n")
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
# RFC 5321 §6.3 asks for a limit of at least 100; more means a mail loop.
_MAX_HOPS = 100


class Content:
    """The octets of one message; after a `fault`, no octets are kept and further octets are ignored."""

    def __init__(self, settings: Settings, memory: MemoryBudget) -> None:
        self._settings = settings
        self._memory = memory
        self._reserved = 0
        # Not a bytearray: turning it into bytes would copy the content.
        self._buffer = io.BytesIO()
        self._line_octets = 0
        self._is_header_checked = False
        self.fault: Fault | None = None
        # All that was received, also what was dropped for a fault.
        self.octets = 0

    def add(self, octets: bytes) -> None:
        """Keep more octets."""
        self.octets += len(octets)
        if self.fault is not None:
            return
        self._buffer.write(octets)
        size = self._buffer.tell()
        if size > self._settings.max_message_octets:
            self.fault = "too_large"
        elif self._has_long_line(octets):
            self.fault = "line_too_long"
        elif not self._is_header_checked and self._has_large_header(size):
            self.fault = "header_too_large"
        else:
            self._reserve_memory(size)
        if self.fault is not None:
            self.discard()

    def finish(self) -> None:
        """Check the whole content, once all octets have been added."""
        if self.fault is None and self._hops() > _MAX_HOPS:
            self.fault = "too_many_hops"
            self.discard()

    def hand_over(self) -> bytes:
        """The whole content, which is no longer kept here; its memory stays reserved until `discard`."""
        octets = self._buffer.getvalue()
        self._buffer = io.BytesIO()
        return octets

    def discard(self) -> None:
        """Drop the octets and release their memory."""
        self._buffer = io.BytesIO()
        self._memory.release(self._reserved)
        self._reserved = 0

    def _reserve_memory(self, size: int) -> None:
        reserved = self._memory.reserve(size, self._reserved)
        if reserved is None:
            self.fault = "no_room"
        else:
            self._reserved = reserved

    def _has_long_line(self, octets: bytes) -> bool:
        first, last = octets.find(b"\n"), octets.rfind(b"\n")
        longest = self._line_octets + (first if first >= 0 else len(octets))
        # A line that begins and ends in `octets` is within any limit, since so few octets are read at a time.
        self._line_octets = longest if last < 0 else len(octets) - last - 1
        return longest > self._settings.max_line_octets

    def _has_large_header(self, size: int) -> bool:
        limit = self._settings.max_header_octets
        if size <= limit:
            return False
        self._is_header_checked = True
        beginning = bytes(self._buffer.getbuffer()[: limit + 2])
        if _BLANK_LINE.search(beginning):
            return False
        # There is no blank line so far, but a body without a header section is fine.
        lines = beginning[: beginning.rfind(b"\n", 0, limit) + 1 or limit]
        _, body = mime_headers.read(lines, 0, len(lines))
        return body == len(lines)

    def _hops(self) -> int:
        octets, limit = self._buffer.getvalue(), self._settings.max_header_octets
        section = octets.find(b"\n\r\n", 0, limit) + 1
        if section and octets.count(b"\n", 0, section) <= _MAX_HOPS:
            return 0  # Most mail has too few lines in its header section to have so many hops.
        blank = _BLANK_LINE.search(octets, 0, limit)
        return sum(1 for _ in _RECEIVED.finditer(octets, 0, blank.start() + 1 if blank else limit))
