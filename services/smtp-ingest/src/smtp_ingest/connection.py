"""One connection: octets in and out, TLS, and the end of the connection by deadline, limit or shutdown.

aiosmtpd's protocol brings the transport, the stream reader and the task that reads from it. The rest is overridden:
aiosmtpd inspects its class for each connection, makes a timer for each command, and starts TLS by hand.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import aiosmtpd.smtp
import structlog

from smtp_ingest import replies, reply_tables
from smtp_ingest.content import Fault
from smtp_ingest.context import Context
from smtp_ingest.deadlines import Deadlines
from smtp_ingest.session_limits import Limit, LimitReached
from smtp_ingest.starttls import shake_hands

log = structlog.get_logger()

# The largest read; the transport is paused while more than twice these octets wait in the stream reader.
READ_OCTETS = 131_072
_HANDSHAKE_RECORD = 0x16  # RFC 8446 §5.1: the first octet of a client that starts TLS without STARTTLS
_RECHECK_SECONDS = 0.05
_LAST_REPLY_SECONDS = 1.0


class Connection(aiosmtpd.smtp.SMTP):
    """Connect to disconnect, for `loop.create_server`; `run_session` reads commands and replies to them.

    `run_session` sets `is_in_transaction` while the connection should not end, and awaits its own work by
    `deadlines.suspended_for`.
    """

    _paused: bool  # asyncio's own: the transport has too much left to send

    def __init__(self, context: Context, run_session: Callable[["Connection"], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        # The constructor of SMTP's base class; the attributes below are all that is needed of SMTP's own constructor.
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
        self._context = context
        self._run_session = run_session
        self._is_admitted = False
        self._has_received = False
        self._is_awaiting_command = False
        self._is_shaking_hands = False
        self.is_ending = False
        self.is_in_transaction = False
        self.messages = 0
        self.tls = ""
        self.outcome = "lost"

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self.peer: str = peer[0] if peer else ""
        self.log = log.bind(session=secrets.token_hex(4), peer=self.peer)
        refusal = self._admit(transport)
        if refusal:
            self.is_ending = True
            transport.write(f"{refusal}\r\n".encode())  # type: ignore[attr-defined]  # a TCP transport can write
            transport.close()
            return
        self._is_admitted = True
        self.deadlines = Deadlines(self._context.settings)
        super().connection_made(transport)

    def _admit(self, transport: asyncio.BaseTransport) -> str | None:
        """Count the connection, or return the reply that refuses it."""
        if self._context.sessions.is_draining:
            return replies.SHUTTING_DOWN
        own = transport.get_extra_info("sockname")
        limit = self._context.sessions.admit(self, own[0] if own else None, self.loop.time())
        return self.limit_reply(limit) if limit else None

    def _set_rset_state(self) -> None:
        pass  # The session keeps its own state in place of aiosmtpd's.

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_admitted:
            return
        self._is_admitted = False
        super().connection_lost(error)
        self._context.sessions.remove(self)
        self.log.info("session_ended", outcome=self.outcome, messages=self.messages)

    def data_received(self, data: bytes) -> None:
        if not self._has_received:
            self._has_received = True
            if data[0] == _HANDSHAKE_RECORD:
                self.end("tls_without_starttls")
        if not self.is_ending:
            self._reader.feed_data(data)

    def eof_received(self) -> bool:
        # A client that has closed its sending side may still read (RFC 1122 §4.2.2.13), so its commands are answered.
        self._reader.feed_eof()
        return not (self.is_ending or self.tls)  # TLS has no half-closed connection.

    async def _handle_client(self) -> None:
        try:
            await self._run_session(self)
        except LimitReached as error:
            self._end_at_limit(error.limit)
        except asyncio.LimitOverrunError:
            self.end_with(replies.LINE_WITHOUT_END, "line_without_end")
        except (asyncio.IncompleteReadError, ConnectionError):
            self.end(self.outcome)

    # The end

    def end(self, outcome: str) -> None:
        """Close the connection without a further reply."""
        self.is_ending = True
        self.outcome = outcome
        if self.transport is not None:
            self.transport.close()

    def end_with(self, reply: str, outcome: str) -> None:
        """Send a last reply, ignore what the client sends, and close the connection."""
        if self.transport is None or self.is_ending:
            return
        self.is_ending = True
        self.outcome = outcome
        transport = self._writer.transport
        if self._is_shaking_hands:
            transport.abort()  # The client could not read a reply.
            return
        transport.write(f"{reply}\r\n".encode())
        if not transport.can_write_eof():
            transport.close()
            return
        # TCP drops the reply when a connection is closed while the client still sends (RFC 1122 §4.2.2.13).
        transport.write_eof()
        transport.resume_reading()  # type: ignore[attr-defined]  # a TCP transport can be resumed
        self.loop.call_later(_LAST_REPLY_SECONDS, transport.close)

    def _end_at_limit(self, limit: Limit) -> None:
        self.end_with(self.limit_reply(limit), limit)

    def limit_reply(self, limit: Limit, **values: object) -> str:
        """The reply to a client that has exceeded `limit`, which is logged."""
        reply = reply_tables.FOR_LIMIT[limit]
        write = self.log.warning if reply.startswith("421") else self.log.info  # A 421 ends the session.
        write("limit_reached", limit=limit, **values)
        return reply

    def fault_reply(self, fault: Fault) -> str:
        """The reply to a message with `fault`, which is logged as refused."""
        self.log.info("message_refused", reason=fault)
        return reply_tables.FOR_FAULT[fault].format(settings=self._context.settings)

    def drain(self) -> None:
        if self.is_idle or self._is_shaking_hands:
            self.abort()

    @property
    def is_idle(self) -> bool:
        return self._is_awaiting_command and not self.is_in_transaction and not self.is_ending

    def end_for_new_client(self) -> None:
        self._end_at_limit("smtp_max_sessions")

    def abort(self) -> None:
        self.end_with(replies.SHUTTING_DOWN, "shutdown")

    def _reset_timeout(self, duration: float | None = None) -> None:
        # One timer for the connection; when it fires, it reads the deadline again.
        self._timeout_handle = self.loop.call_later(duration or self.deadlines.seconds_left(), self._check_deadlines)

    def _check_deadlines(self) -> None:
        left = self.deadlines.seconds_left()
        if self.deadlines.are_suspended or left > 0:
            self._reset_timeout(max(left, _RECHECK_SECONDS))
            return
        # close() would wait forever for a client that reads no reply.
        is_stuck = self.is_ending or self._writer.transport.get_write_buffer_size() > 0
        if not self.is_ending:
            self._end_at_limit(self.deadlines.passed_limit())
        if is_stuck:
            self._writer.transport.abort()

    # Commands, content and replies

    async def read_line(self) -> bytes:
        """The next line, with its line end; raises IncompleteReadError when the client has disconnected."""
        if self._context.sessions.is_draining and not self.is_in_transaction:
            self.abort()
        if self.is_ending:
            raise ConnectionAbortedError
        self._is_awaiting_command = True
        self.deadlines.wait()
        line = await self._reader.readuntil(b"\n")
        self._is_awaiting_command = False
        return line

    async def read(self, octets: int) -> bytes:
        """From one octet up to `octets`; raises IncompleteReadError when the client has disconnected."""
        self.deadlines.wait()
        read = await self._reader.read(min(octets, READ_OCTETS))
        if not read:
            raise asyncio.IncompleteReadError(b"", octets)
        return read

    def unread(self, octets: bytes) -> None:
        """Put back `octets`, which the next read returns again."""
        self._reader._buffer[:0] = octets  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way

    async def reply(self, reply: str) -> None:
        if self.is_ending:
            raise ConnectionAbortedError
        self._writer.write(f"{reply}\r\n".encode())
        if self._paused:
            await self._writer.drain()

    async def start_tls(self, ready: str) -> None:
        """Reply `ready` and shake hands; octets received in plain text before that are dropped (RFC 3207 §5)."""
        assert self._context.certificate is not None  # noqa: S101  # without a certificate STARTTLS is refused
        plain, ssl_context = self._writer.transport, self._context.certificate.ssl_context
        plain.write(f"{ready}\r\n".encode())
        # No await until TLS has the transport, so that no octets arrive in between.
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way
        self.deadlines.wait_for_handshake()
        self._is_shaking_hands = True
        self.outcome = "tls_failed"
        secure = await shake_hands(plain, self, ssl_context, self.log, seconds=self._context.settings.smtp_idle_seconds)
        if secure is None:
            plain.abort()
            self.connection_lost(None)  # asyncio does not call it for the protocol of a failed handshake.
            raise ConnectionAbortedError
        self.transport, self.tls = secure
        self._is_shaking_hands = False
        self.outcome = "lost"
        # As aiosmtpd does. A new writer would not do: the old writer closes its transport when it is collected.
        self._reader._transport = self.transport  # type: ignore[attr-defined]  # noqa: SLF001
        self._writer._transport = self.transport  # type: ignore[attr-defined]  # noqa: SLF001
