"""One connection: octets in and out, TLS, and the deadlines past which it ends.

aiosmtpd's protocol brings the transport, the stream reader and the task that reads it. Its constructor inspects the
class anew for each connection, its timer is made anew for each command, and it starts TLS by hand.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiosmtpd.smtp
import structlog

from smtp_ingest import replies, reply_tables
from smtp_ingest.context import Context

log = structlog.get_logger()

Result = TypeVar("Result")

# At most so much is read at a time; the transport is paused when twice this waits to be read.
READ_OCTETS = 131_072
_HANDSHAKE_RECORD = 0x16  # RFC 8446 §5.1: the first octet of a TLS client that does not wait for STARTTLS
_GOODBYE_SECONDS = 1.0
_SOON_SECONDS = 0.05


class LimitReached(Exception):
    """The client is past a limit, named by its setting; the session ends."""


class Connection(aiosmtpd.smtp.SMTP):
    """Connect to disconnect, for `loop.create_server`; `converse` is what is said over it.

    What is said sets `is_in_transaction` while an end would be rude, and awaits by `working` what the client waits for.
    """

    _paused: bool  # asyncio's own: the transport has more to send than it likes

    def __init__(self, service: Context, converse: Callable[["Connection"], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        # The grandparent's constructor: what SMTP's own would work out for each connection is said below.
        asyncio.StreamReaderProtocol.__init__(
            self,
            asyncio.StreamReader(limit=READ_OCTETS, loop=loop),
            client_connected_cb=self._cb_client_connected,
            loop=loop,
        )
        self.loop = loop
        self.transport = None
        self.session = None
        self._original_transport = None
        self._timeout_handle = None
        self._service = service
        self._converse = converse
        self._client: int | None = None
        self._is_admitted = False
        self._has_heard = False
        self._is_awaiting_command = False
        self._is_shaking_hands = False
        self.is_ending = False
        self.is_in_transaction = False
        self._is_working = False
        self.messages = 0
        self.tls = ""
        self.outcome = "lost"

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self.peer: str = peer[0] if peer else ""
        self.log = log.bind(session=secrets.token_hex(4), peer=self.peer)
        refusal = self._refuse(transport)
        if refusal:
            self.is_ending = True
            transport.write(f"{refusal}\r\n".encode())  # type: ignore[attr-defined]  # TCP's can write
            transport.close()
            return
        self._is_admitted = True
        self._service.sessions.add(self)
        self._ends_at = time.monotonic() + self._service.settings.smtp_session_seconds
        self.waiting_since = time.monotonic()
        super().connection_made(transport)

    def _refuse(self, transport: asyncio.BaseTransport) -> str | None:
        """The reply to a connection that is one too many."""
        if self._service.sessions.draining:
            return replies.SHUTTING_DOWN
        limit = self._limit(transport)
        if limit is None:
            return None
        self.log.warning("limit_reached", limit=limit)
        return reply_tables.FOR_LIMIT[limit]

    def _limit(self, transport: asyncio.BaseTransport) -> str | None:
        client, own = self._service.clients.key(self.peer), transport.get_extra_info("sockname")
        if client is not None and own and own[0] != self.peer:
            limit = self._service.clients.admit(client, self.loop.time())
            if limit is not None:
                return limit
            self._client = client
        sessions = self._service.sessions
        if len(sessions) < self._service.settings.smtp_max_sessions or sessions.make_room(self.peer):
            return None
        if self._client is not None:
            self._service.clients.leave(self._client)
        return "smtp_max_sessions"

    def _set_rset_state(self) -> None:
        pass  # what is said keeps its own state; aiosmtpd's is not made

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_admitted:
            return
        self._is_admitted = False
        super().connection_lost(error)
        self._service.sessions.remove(self)
        if self._client is not None:
            self._service.clients.leave(self._client)
        self.log.info("session_ended", outcome=self.outcome, messages=self.messages)

    def data_received(self, data: bytes) -> None:
        if not self._has_heard:
            self._has_heard = True
            if data[0] == _HANDSHAKE_RECORD:
                self.end("tls_without_starttls")
        if not self.is_ending:
            self._reader.feed_data(data)

    def eof_received(self) -> bool:
        # A client that has said all it has to say may still read (RFC 1122 §4.2.2.13): its commands are answered.
        self._reader.feed_eof()
        return not (self.is_ending or self.tls)  # TLS knows no half-closed connection

    async def _handle_client(self) -> None:
        try:
            await self._converse(self)
        except LimitReached as error:
            self._end_past(str(error))
        except asyncio.LimitOverrunError:
            self.end_with(replies.LINE_WITHOUT_END, "line_without_end")
        except (asyncio.IncompleteReadError, ConnectionError):
            self.end(self.outcome)

    # The end

    def end(self, outcome: str) -> None:
        self.is_ending = True
        self.outcome = outcome
        if self.transport is not None:
            self.transport.close()

    def end_with(self, reply: str, outcome: str) -> None:
        if self.transport is None or self.is_ending:
            return
        self.is_ending = True
        self.outcome = outcome
        transport = self._writer.transport
        if self._is_shaking_hands:
            transport.abort()  # nothing can be said there
            return
        transport.write(f"{reply}\r\n".encode())
        if not transport.can_write_eof():
            transport.close()
            return
        # Closed while the client still sends, TCP would take back the reply (RFC 1122 §4.2.2.13): what comes is
        # passed over until the client has seen the end.
        transport.write_eof()
        transport.resume_reading()  # type: ignore[attr-defined]  # TCP's can
        self.loop.call_later(_GOODBYE_SECONDS, transport.close)

    def _end_past(self, limit: str) -> None:
        self.log.warning("limit_reached", limit=limit)
        self.end_with(reply_tables.FOR_LIMIT[limit], limit)

    def drain(self) -> None:
        if self.is_idle or self._is_shaking_hands:
            self.abort()

    @property
    def is_idle(self) -> bool:
        """Whether it could end now and nothing would be lost."""
        return self._is_awaiting_command and not self.is_in_transaction and not self.is_ending

    def give_way(self) -> None:
        """End for the sake of another client."""
        self._end_past("smtp_max_sessions")

    def abort(self) -> None:
        self.end_with(replies.SHUTTING_DOWN, "shutdown")

    def _reset_timeout(self, duration: float | None = None) -> None:
        # One timer for the connection, which finds out when it is due what was said meanwhile.
        settings = self._service.settings
        seconds = duration or min(settings.smtp_idle_seconds, settings.smtp_session_seconds)
        self._timeout_handle = self.loop.call_later(seconds, self._watch)

    def _watch(self) -> None:
        now = time.monotonic()
        idle_at = self.waiting_since + self._service.settings.smtp_idle_seconds
        if self._is_shaking_hands:
            idle_at = self._ends_at  # a handshake has a timer of its own
        left = min(idle_at, self._ends_at) - now
        if self._is_working or left > 0:
            self._reset_timeout(max(left, _SOON_SECONDS))
            return
        # close() would wait for good for a client that reads no reply.
        is_stuck = self.is_ending or self._writer.transport.get_write_buffer_size() > 0
        if not self.is_ending:
            self._end_past("smtp_session_seconds" if self._ends_at <= now else "smtp_idle_seconds")
        if is_stuck:
            self._writer.transport.abort()

    # What is said

    async def read_line(self) -> bytes:
        """The next line, with its end; raises IncompleteReadError when there is none."""
        if self._service.sessions.draining and not self.is_in_transaction:
            self.abort()
        if self.is_ending:
            raise ConnectionAbortedError
        self._is_awaiting_command = True
        self.waiting_since = time.monotonic()
        line = await self._reader.readuntil(b"\n")
        self._is_awaiting_command = False
        return line

    async def read(self, octets: int) -> bytes:
        """Up to so many octets, at least one; raises IncompleteReadError when there are none."""
        self.waiting_since = time.monotonic()
        read = await self._reader.read(min(octets, READ_OCTETS))
        if not read:
            raise asyncio.IncompleteReadError(b"", octets)
        return read

    def unread(self, octets: bytes) -> None:
        """What was read too far, to be read again."""
        self._reader._buffer[:0] = octets  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way

    async def reply(self, reply: str) -> None:
        if self.is_ending:
            raise ConnectionAbortedError
        self._writer.write(f"{reply}\r\n".encode())
        if self._paused:
            await self._writer.drain()

    async def working(self, work: Awaitable[Result]) -> Result:
        """What `work` returns; until then the client waits for us, and is not idle."""
        self._is_working = True
        try:
            return await work
        finally:
            self._is_working = False

    async def start_tls(self, ready: str) -> None:
        """Say `ready` and shake hands; what was sent in plain text until then is forgotten (RFC 3207 §5)."""
        assert self._service.certificate is not None  # noqa: S101  # or STARTTLS is no command
        plain = self._writer.transport
        plain.write(f"{ready}\r\n".encode())
        # No await until TLS has the transport: nothing comes in between.
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way
        self.waiting_since = time.monotonic()
        self._is_shaking_hands = True
        self.outcome = "tls_failed"
        try:
            transport = await self.loop.start_tls(
                plain,
                self,
                self._service.certificate.context,
                server_side=True,
                ssl_handshake_timeout=self._service.settings.smtp_idle_seconds,
                ssl_shutdown_timeout=_GOODBYE_SECONDS,
            )
        except OSError as error:
            self.log.info("tls_failed", reason=getattr(error, "reason", None) or type(error).__name__)
            transport = None
        # A connection that is lost within the handshake may come back as one without a session of TLS.
        tls = transport and transport.get_extra_info("ssl_object")
        if transport is None or not tls or not tls.version():
            plain.abort()
            self.connection_lost(None)  # whom a handshake's protocol does not tell
            raise ConnectionAbortedError
        self._is_shaking_hands = False
        self.outcome = "lost"
        self.transport = transport
        # As aiosmtpd does: a new writer would not do, since the old one closes its transport when it is forgotten.
        self._reader._transport = transport  # type: ignore[attr-defined]  # noqa: SLF001
        self._writer._transport = transport  # type: ignore[attr-defined]  # noqa: SLF001
        self.tls = f"{tls.version()} {tls.cipher()[0]}"
