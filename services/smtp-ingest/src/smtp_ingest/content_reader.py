"""Receives content from the connection: DATA until its end, BDAT by its size, both at a minimum rate."""

import time

from fake_email.settings import Settings
from smtp_ingest.content import Content
from smtp_ingest.dot_stuffing import DotStuffing
from smtp_ingest.session_limits import LimitReached

# The content is added in pieces of at most this size: Content takes each piece for shorter than the longest line.
_PIECE_OCTETS = 131_072
# Past this size a message waits for its turn before each read: fifty such clients at once would delay all others.
_PROMPT_OCTETS = 262_144


class _Rate:
    """The octets of one DATA or one BDAT so far; `count` raises LimitReached when the client sends too slowly."""

    def __init__(self, settings: Settings) -> None:
        self._grace_seconds = settings.smtp_rate_grace_seconds
        self._min_per_second = settings.smtp_min_octets_per_second
        self._began_at = time.monotonic()
        self._octets = 0

    @property
    def takes_turns(self) -> bool:
        """True once so much was received that the next read waits for its turn."""
        return self._octets > _PROMPT_OCTETS

    def count(self, octets: int) -> None:
        self._octets += octets
        seconds = time.monotonic() - self._began_at
        if seconds > self._grace_seconds and self._octets < seconds * self._min_per_second:
            raise LimitReached("smtp_min_octets_per_second")


class DataReader(_Rate):
    """Reads the content after DATA."""

    def __init__(self, settings: Settings, content: Content) -> None:
        super().__init__(settings)
        self._content = content
        self._dot_stuffing = DotStuffing()

    def feed(self, octets: bytes) -> bytes | None:
        """Add `octets`; returns those after the end of the content, None until the end is found."""
        self.count(len(octets))
        content = self._content
        for begin in range(0, len(octets), _PIECE_OCTETS):
            piece = octets[begin : begin + _PIECE_OCTETS]
            unstuffed, rest = self._dot_stuffing.feed(piece, is_kept=content.fault is None)
            content.add(unstuffed)
            if rest is not None:
                return rest + octets[begin + _PIECE_OCTETS :]
        return None


class ChunkReader(_Rate):
    """Reads the one chunk of a BDAT (RFC 3030), of at least one octet; without `content`, the chunk is ignored."""

    def __init__(self, settings: Settings, content: Content | None, octets: int) -> None:
        super().__init__(settings)
        self._content = content
        self._missing = octets

    def feed(self, octets: bytes) -> bytes | None:
        """Add `octets`; returns those after the end of the chunk, None until the end has been received."""
        self.count(len(octets))
        chunk = octets[: self._missing]
        self._missing -= len(chunk)
        if self._content is not None:
            for begin in range(0, len(chunk), _PIECE_OCTETS):
                self._content.add(chunk[begin : begin + _PIECE_OCTETS])
        return None if self._missing else octets[len(chunk) :]
