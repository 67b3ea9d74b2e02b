"""One connection: octets in and out, TLS, and the deadlines past which it ends.

aiosmtpd's protocol brings the transport, the stream reader and the task that reads it. Its constructor inspects the
class anew for each connection, its timer is made anew for each command, and it starts TLS by hand.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import aiosmtpd.smtp
import structlog

from smtp_ingest import replies, reply_tables
from smtp_ingest.context import Context
from smtp_ingest.deadlines import Deadlines
from smtp_ingest.goodbye import say_goodbye
from smtp_ingest.handshake import shake_hands
from smtp_ingest.session_limits import Limit, LimitReached

log = structlog.get_logger()

# At most so much is read at a time; the transport is paused when twice this waits to be read.
READ_OCTETS = 131_072
_HANDSHAKE_RECORD = 0x16  # RFC 8446 §5.1: the first octet of a TLS client that does not wait for STARTTLS
_SOON_SECONDS = 0.05


class Connection(aiosmtpd.smtp.SMTP):
    """Connect to disconnect, for `loop.create_server`; `converse` is what is said over it.

    `converse` sets `is_in_transaction` while an end would be rude, and awaits what the client waits for by
    `deadlines.working`.
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
        self._is_admitted = False
        self._has_heard = False
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
        refusal = self._refuse(transport)
        if refusal:
            self.is_ending = True
            transport.write(f"{refusal}\r\n".encode())  # type: ignore[attr-defined]  # TCP's can write
            transport.close()
            return
        self._is_admitted = True
        self.deadlines = Deadlines(self._service.settings)
        super().connection_made(transport)

    def _refuse(self, transport: asyncio.BaseTransport) -> str | None:
        """The reply to a connection that is one too many."""
        if self._service.sessions.draining:
            return replies.SHUTTING_DOWN
        own = transport.get_extra_info("sockname")
        limit = self._service.admission.admit(self, own[0] if own else None, self.loop.time())
        return self.log_limit(limit) if limit else None

    def _set_rset_state(self) -> None:
        pass  # what is said keeps its own state; aiosmtpd's is not made

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_admitted:
            return
        self._is_admitted = False
        super().connection_lost(error)
        self._service.admission.leave(self)
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
            self._end_past(error.limit)
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
        else:
            say_goodbye(transport, reply)

    def _end_past(self, limit: Limit) -> None:
        self.end_with(self.log_limit(limit), limit)

    def log_limit(self, limit: Limit, **values: object) -> str:
        """Log that the client is past `limit`; the reply to that."""
        reply = reply_tables.FOR_LIMIT[limit]
        write = self.log.warning if reply.startswith("421") else self.log.info  # a 421 ends the session
        write("limit_reached", limit=limit, **values)
        return reply

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
        self._timeout_handle = self.loop.call_later(duration or self.deadlines.seconds_left(), self._watch)

    def _watch(self) -> None:
        left = self.deadlines.seconds_left()
        if self.deadlines.is_working or left > 0:
            self._reset_timeout(max(left, _SOON_SECONDS))
            return
        # close() would wait for good for a client that reads no reply.
        is_stuck = self.is_ending or self._writer.transport.get_write_buffer_size() > 0
        if not self.is_ending:
            self._end_past(self.deadlines.passed())
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
        self.deadlines.wait()
        line = await self._reader.readuntil(b"\n")
        self._is_awaiting_command = False
        return line

    async def read(self, octets: int) -> bytes:
        """Up to so many octets, at least one; raises IncompleteReadError when there are none."""
        self.deadlines.wait()
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

    async def start_tls(self, ready: str) -> None:
        """Say `ready` and shake hands; what was sent in plain text until then is forgotten (RFC 3207 §5)."""
        assert self._service.certificate is not None  # noqa: S101  # or STARTTLS is no command
        plain = self._writer.transport
        plain.write(f"{ready}\r\n".encode())
        # No await until TLS has the transport: nothing comes in between.
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way
        self.deadlines.wait_for_handshake()
        self._is_shaking_hands = True
        self.outcome = "tls_failed"
        shaken = await shake_hands(
            plain,
            self,
            self._service.certificate.context,
            self.log,
            seconds=self._service.settings.smtp_idle_seconds,
        )
        if shaken is None:
            plain.abort()
            self.connection_lost(None)  # whom a handshake's protocol does not tell
            raise ConnectionAbortedError
        transport, self.tls = shaken
        self._is_shaking_hands = False
        self.outcome = "lost"
        self.transport = transport
        # As aiosmtpd does: a new writer would not do, since the old one closes its transport when it is forgotten.
        self._reader._transport = transport  # type: ignore[attr-defined]  # noqa: SLF001
        self._writer._transport = transport  # type: ignore[attr-defined]  # noqa: SLF001
