"""Reads content from the connection: DATA until its end, BDAT by its size, both at a minimum rate."""

from smtp_ingest.connection import READ_OCTETS, Connection
from smtp_ingest.content import Content
from smtp_ingest.context import Context
from smtp_ingest.dot_stuffing import DotStuffing
from smtp_ingest.session_limits import LimitReached

# Past this size a message waits for its turn before each read: fifty such clients at once would delay all others.
_PROMPT_OCTETS = 262_144


class ContentReader:
    """Reads one DATA or one BDAT; raises LimitReached when the client sends too slowly."""

    def __init__(self, connection: Connection, context: Context) -> None:
        self._connection = connection
        self._settings = context.settings
        self._turns = context.read_turns
        self._began_at = connection.loop.time()
        self._octets = 0

    async def read_data(self, content: Content) -> None:
        """Read `content` to its end; pipelined commands after the end stay unread."""
        dot_stuffing = DotStuffing()
        rest = None
        while rest is None:
            octets = await self._read(READ_OCTETS)
            unstuffed, rest = dot_stuffing.feed(octets, is_kept=content.fault is None)
            content.add(unstuffed)
        if rest:
            self._connection.unread(rest)

    async def read_chunk(self, octets: int, content: Content | None) -> None:
        """Read a chunk of exactly `octets` (RFC 3030); without `content`, the chunk is ignored."""
        while octets:
            read = await self._read(octets)
            octets -= len(read)
            if content is not None:
                content.add(read)

    async def _read(self, octets: int) -> bytes:
        if self._octets > _PROMPT_OCTETS:
            await self._turns.wait()
        read = await self._connection.read(octets)
        self._octets += len(read)
        seconds = self._connection.loop.time() - self._began_at
        if (
            seconds > self._settings.smtp_rate_grace_seconds
            and self._octets < seconds * self._settings.smtp_min_octets_per_second
        ):
            raise LimitReached("smtp_min_octets_per_second")
        return read
