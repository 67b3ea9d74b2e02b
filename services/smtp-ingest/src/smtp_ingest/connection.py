"""One connection: octets in and out, TLS, and the end of the connection by deadline, limit or shutdown."""

import asyncio
from asyncio.streams import FlowControlMixin
from collections.abc import Callable
from random import getrandbits

import aiosmtpd.smtp
import structlog

from smtp_ingest import replies, reply_tables
from smtp_ingest.content import Fault
from smtp_ingest.context import Context
from smtp_ingest.deadlines import Deadlines
from smtp_ingest.dialogue import Commands, Dialogue
from smtp_ingest.session_limits import Limit, LimitReached
from smtp_ingest.starttls import shake_hands

log = structlog.get_logger()

_HANDSHAKE_RECORD = 0x16  # RFC 8446 §5.1: the first octet of a client that starts TLS without STARTTLS
_RECHECK_SECONDS = 0.05
_LAST_REPLY_SECONDS = 1.0


class Connection(aiosmtpd.smtp.SMTP):
    """Connect to disconnect, for `loop.create_server`; `begin_session` returns the commands of a session.

    The session sets `is_in_transaction` while the connection should not end.
    """

    def __init__(self, context: Context, begin_session: Callable[["Connection"], Commands]) -> None:
        self.loop = asyncio.get_running_loop()
        # Of the constructors of SMTP and its base classes, this is all that is needed.
        FlowControlMixin.__init__(self, self.loop)
        self._context = context
        self._begin_session = begin_session
        self._is_admitted = False
        self._has_received = False
        self._is_reading = True
        self._is_shaking_hands = False
        self.has_backlog = False
        self.is_ending = False
        self.is_draining = False
        self.is_in_transaction = False
        self.messages = 0
        self.tls = ""
        self.outcome = "lost"
        # The reply that ended the session.
        self.last_refusal: str | None = None

    # The transport

    # A TCP transport is always a Transport; uvloop's does not inherit from asyncio's, so isinstance cannot narrow it.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        peer = transport.get_extra_info("peername")
        self.peer: str = peer[0] if peer else ""
        self.log = log.bind(session=f"{getrandbits(32):08x}", peer=self.peer)
        refusal = self._admit(transport)
        if refusal:
            self.is_ending = True
            transport.write(f"{refusal}\r\n".encode())
            transport.close()
            return
        self._is_admitted = True
        self._transport = transport
        self.deadlines = Deadlines(self._context.settings)
        self._check_deadlines_in(self.deadlines.seconds_left())
        self.dialogue = Dialogue(self, self._context.read_turns)
        self.dialogue.begin(self._begin_session(self))

    def _admit(self, transport: asyncio.BaseTransport) -> str | None:
        """Count the connection, or return the reply that refuses it."""
        if self._context.sessions.is_draining:
            return replies.SHUTTING_DOWN
        own = transport.get_extra_info("sockname")
        limit = self._context.sessions.admit(self, own[0] if own else None, self.loop.time())
        return self.limit_reply(limit) if limit else None

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  # the reason changes nothing
        if not self._is_admitted:
            return
        self._is_admitted = False
        self.is_ending = True
        self._timer.cancel()
        self.dialogue.close()
        self._context.sessions.remove(self)
        self.log.info("session_ended", outcome=self.outcome, messages=self.messages)

    def data_received(self, data: bytes) -> None:
        if not self._has_received:
            self._has_received = True
            if data[0] == _HANDSHAKE_RECORD:
                self.end("tls_without_starttls")
        if not self.is_ending:
            self.dialogue.receive(data)

    def eof_received(self) -> bool:
        # A client that has closed its sending side may still read (RFC 1122 §4.2.2.13), so its commands are answered.
        if not self.is_ending:
            self.dialogue.receive_end()
        return not (self.is_ending or self.tls)  # TLS has no half-closed connection.

    def pause_writing(self) -> None:
        super().pause_writing()
        self.has_backlog = True

    def resume_writing(self) -> None:
        super().resume_writing()
        self.has_backlog = False
        if not self.is_ending:
            self.dialogue.go_on()

    def pause_reading(self) -> None:
        """Let the client wait with what it sends."""
        # During a handshake, TLS bounds what is received.
        if self._is_reading and not self._is_shaking_hands and not self._transport.is_closing():
            self._is_reading = False
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Receive again."""
        if not self._is_reading and not self._transport.is_closing():
            self._is_reading = True
            self._transport.resume_reading()

    def write(self, octets: bytes) -> None:
        """Send `octets`, unless the connection has ended."""
        if not self.is_ending:
            self._transport.write(octets)

    # The end

    def end(self, outcome: str) -> None:
        """Close the connection without a further reply."""
        if not self._is_admitted:
            return
        self.dialogue.flush()
        self.is_ending = True
        self.outcome = outcome
        self._transport.close()

    def end_lost(self) -> None:
        """Close the connection, since the client sends nothing more."""
        self.end(self.outcome)

    def end_with(self, reply: str, outcome: str) -> None:
        """Send a last reply, ignore what the client sends, and close the connection."""
        if not self._is_admitted or self.is_ending:
            return
        self.outcome, self.last_refusal = outcome, reply
        transport = self._transport
        if self._is_shaking_hands:
            self.is_ending = True
            transport.abort()  # The client could not read a reply.
            return
        self.dialogue.reply(reply)
        self.dialogue.flush()
        self.is_ending = True
        if not transport.can_write_eof():
            transport.close()
            return
        # TCP drops the reply when a connection is closed while the client still sends (RFC 1122 §4.2.2.13).
        transport.write_eof()
        transport.resume_reading()
        self.loop.call_later(_LAST_REPLY_SECONDS, transport.close)

    def end_at_limit(self, error: LimitReached) -> None:
        """Send the reply to a client that has exceeded a limit, and close the connection."""
        self.end_with(self.limit_reply(error.limit), error.limit)

    def end_for_new_client(self) -> None:
        self.end_at_limit(LimitReached("smtp_max_sessions"))

    def limit_reply(self, limit: Limit, **values: object) -> str:
        """The reply to a client that has exceeded `limit`, which is logged."""
        self._context.counts.limits[limit] += 1
        reply = reply_tables.FOR_LIMIT[limit]
        write = self.log.warning if reply.startswith("421") else self.log.info  # A 421 ends the session.
        write("limit_reached", limit=limit, **values)
        return reply

    def fault_reply(self, fault: Fault) -> str:
        """The reply to a message with `fault`, which is logged as refused."""
        self._context.counts.faults[fault] += 1
        self.log.info("message_refused", reason=fault)
        return reply_tables.FOR_FAULT[fault].format(settings=self._context.settings)

    def drain(self) -> None:
        self.is_draining = True
        if self.is_idle or self._is_shaking_hands:
            self.abort()

    @property
    def is_idle(self) -> bool:
        return self.dialogue.is_idle and not self.has_backlog and not self.is_in_transaction and not self.is_ending

    def abort(self) -> None:
        self.end_with(replies.SHUTTING_DOWN, "shutdown")

    def _check_deadlines_in(self, seconds: float) -> None:
        # One timer for the connection; when it fires, it reads the deadline again.
        self._timer = self.loop.call_later(seconds, self._check_deadlines)

    def _check_deadlines(self) -> None:
        left = self.deadlines.seconds_left()
        if self.deadlines.are_suspended or left > 0:
            self._check_deadlines_in(max(left, _RECHECK_SECONDS))
            return
        # close() would wait forever for a client that reads no reply.
        is_stuck = self.is_ending or self._transport.get_write_buffer_size() > 0
        if not self.is_ending:
            self.end_at_limit(LimitReached(self.deadlines.passed_limit()))
        if is_stuck:
            self._transport.abort()

    # TLS

    async def start_tls(self, ready: str) -> None:
        """Reply `ready` and shake hands; octets received in plain text before that are dropped (RFC 3207 §5)."""
        assert self._context.certificate is not None  # noqa: S101  # without a certificate STARTTLS is refused
        plain, ssl_context = self._transport, self._context.certificate.ssl_context
        self.dialogue.reply(ready)
        self.dialogue.flush()
        # No await until TLS has the transport, so that no octets arrive in between.
        self.dialogue.drop_input()
        self._is_reading = True  # TLS resumes a paused transport.
        self.deadlines.wait_for_handshake()
        self.deadlines.are_suspended = False
        self._is_shaking_hands = True
        self.outcome = "tls_failed"
        secure = await shake_hands(plain, self, ssl_context, self.log, seconds=self._context.settings.smtp_idle_seconds)
        if secure is None:
            plain.abort()
            self.connection_lost(None)  # asyncio does not call it for the protocol of a failed handshake.
            raise ConnectionAbortedError
        self._transport, self.tls = secure
        self._is_shaking_hands = False
        self.outcome = "lost"
