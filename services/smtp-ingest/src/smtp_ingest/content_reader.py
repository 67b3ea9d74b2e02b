"""Content on its way in: DATA up to its end, BDAT by the octet, and neither without end."""

from smtp_ingest.connection import READ_OCTETS, Connection
from smtp_ingest.content import Content
from smtp_ingest.context import Context
from smtp_ingest.dot_stuffing import DotStuffing
from smtp_ingest.session_limits import LimitReached

# What is longer waits for its turn with each further read: fifty such senders at once would hold up all others.
_PROMPT_OCTETS = 262_144


class ContentReader:
    """One DATA or one BDAT; raises LimitReached when its octets come too slowly."""

    def __init__(self, connection: Connection, service: Context) -> None:
        self._connection = connection
        self._settings = service.settings
        self._turns = service.turns
        self._began_at = connection.loop.time()
        self._octets = 0

    async def data(self, content: Content) -> None:
        """Read `content` up to its end; what is pipelined behind that is read next."""
        transparency = DotStuffing()
        rest = None
        while rest is None:
            octets = await self._read(READ_OCTETS)
            plain, rest = transparency.feed(octets, is_kept=content.fault is None)
            content.add(plain)
        if rest:
            self._connection.unread(rest)

    async def chunk(self, octets: int, content: Content | None) -> None:
        """Read exactly so many octets (RFC 3030), for nobody when there is no `content`."""
        while octets:
            read = await self._read(octets)
            octets -= len(read)
            if content is not None:
                content.add(read)

    async def _read(self, octets: int) -> bytes:
        if self._octets > _PROMPT_OCTETS:
            await self._turns.take()
        read = await self._connection.read(octets)
        self._octets += len(read)
        seconds = self._connection.loop.time() - self._began_at
        if (
            seconds > self._settings.smtp_rate_grace_seconds
            and self._octets < seconds * self._settings.smtp_min_octets_per_second
        ):
            raise LimitReached("smtp_min_octets_per_second")
        return read
