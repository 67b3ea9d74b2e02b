"""One SMTP session (RFC 5321): commands in, replies out, `250` after DATA once the message is committed.

aiosmtpd's protocol brings the transport, the stream reader and the idle timer. Its constructor inspects the
class anew for each connection, its address parser is the slow one of `email`, its DATA awaits once a line, and
its replies have no enhanced codes: those parts are replaced here.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import aiosmtpd.smtp
import msgspec
import structlog

from fake_email import messages
from fake_email.errors import ServiceError
from fake_email.messages import Delivery
from fake_email.settings import Settings
from smtp_ingest import path, replies
from smtp_ingest.arrival import make_arrival
from smtp_ingest.commit import Committer
from smtp_ingest.content import Content
from smtp_ingest.recipients import Recipients
from smtp_ingest.sessions import Sessions

log = structlog.get_logger()

# RFC 5321 §4.5.3.1.4 wants 512, and each extension adds some; one that is longer is nobody's command.
_MAX_COMMAND_OCTETS = 2_048
# The transport is paused when twice this waits to be read.
_READ_OCTETS = 131_072
# RFC 5321 §4.5.3.2.7
_IDLE_SECONDS = 300.0


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What all sessions of a daemon share."""

    settings: Settings
    recipients: Recipients
    committer: Committer
    sessions: Sessions


class _Transaction(msgspec.Struct, kw_only=True):
    """MAIL to the end of DATA."""

    reverse_path: str
    deliveries: list[Delivery]


class Session(aiosmtpd.smtp.SMTP):
    """Connect to QUIT; one for each connection, made by `loop.create_server`."""

    def __init__(self, service: Service) -> None:
        loop = asyncio.get_running_loop()
        # The grandparent's constructor: what SMTP's own would work out for each connection is said below.
        asyncio.StreamReaderProtocol.__init__(
            self,
            asyncio.StreamReader(limit=_READ_OCTETS, loop=loop),
            client_connected_cb=self._cb_client_connected,
            loop=loop,
        )
        self.loop = loop
        self.transport = None
        self.session = None
        self.tls_context = None
        self._original_transport = None
        self._tls_protocol = None
        self._handle_hooks = {}
        self._timeout_duration = _IDLE_SECONDS
        self._timeout_handle = None
        self._service = service
        self._transaction: _Transaction | None = None
        self._has_greeted = False
        self._is_awaiting_command = False
        self._is_ending = False
        self._messages = 0
        self._outcome = "lost"

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self._log = log.bind(session=secrets.token_hex(4), peer=peer[0] if peer else "gone")
        self._service.sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._service.sessions.remove(self)
        self._log.info("session_ended", outcome=self._outcome, messages=self._messages)

    def eof_received(self) -> bool:
        # A client that has said all it has to say may still read (RFC 1122 §4.2.2.13): its commands are answered.
        self._reader.feed_eof()
        return True

    def drain(self) -> None:
        if self._is_awaiting_command and self._transaction is None:
            self.abort()

    def abort(self) -> None:
        self._end_with(replies.SHUTTING_DOWN, "shutdown")

    def _timeout_cb(self) -> None:
        # close() would wait for good for a client that reads no reply.
        is_stuck = self._writer.transport.get_write_buffer_size() > 0
        self._end_with(replies.IDLE_TOO_LONG, "idle")
        if is_stuck:
            self._writer.transport.abort()

    def _end_with(self, reply: str, outcome: str) -> None:
        self._is_ending = True
        self._outcome = outcome
        if self.transport is not None:
            self._writer.write(f"{reply}\r\n".encode())
            self.transport.close()

    async def _reply(self, reply: str) -> None:
        self._writer.write(f"{reply}\r\n".encode())
        await self._writer.drain()

    # The dialogue

    def _set_rset_state(self) -> None:
        self._transaction = None

    async def _handle_client(self) -> None:
        try:
            await self._reply(f"220 {self._service.settings.domain[0]} ESMTP fake-email")
            while not self._is_ending:
                self._is_awaiting_command = True
                line = await self._reader.readuntil(b"\n")
                self._is_awaiting_command = False
                self._reset_timeout()
                await self._obey(line)
                if self._service.sessions.draining and self._transaction is None:
                    self.abort()
        except asyncio.LimitOverrunError:
            self._end_with(replies.LINE_WITHOUT_END, "line_without_end")
        except (asyncio.IncompleteReadError, ConnectionError):
            self._end()

    def _end(self) -> None:
        self._is_ending = True
        if self.transport is not None:
            self.transport.close()

    async def _obey(self, line: bytes) -> None:
        if len(line) > _MAX_COMMAND_OCTETS:
            await self._reply(replies.LINE_TOO_LONG)
            return
        try:
            verb, _, argument = line.decode().strip("\r\n").partition(" ")
        except UnicodeDecodeError:
            await self._reply(replies.NOT_UTF8)
            return
        command = _COMMANDS.get(verb.upper(), Session._unknown)
        try:
            await command(self, argument.strip())
        except ServiceError as error:
            self._log.warning("command_deferred", error=type(error).__name__)
            await self._reply(replies.FOR_ERROR[type(error)])
        except (asyncio.IncompleteReadError, ConnectionError):
            raise
        except Exception:  # noqa: BLE001  # the edge: the session survives, the client tries again
            self._log.exception("command_failed")
            self._set_rset_state()
            await self._reply(replies.TRY_LATER)

    async def _unknown(self, _argument: str) -> None:
        await self._reply(replies.UNKNOWN_COMMAND)

    async def _not_implemented(self, _argument: str) -> None:
        await self._reply(replies.NOT_IMPLEMENTED)

    async def smtp_HELO(self, argument: str) -> None:
        await self._greet(argument, is_extended=False)

    async def smtp_EHLO(self, argument: str) -> None:
        await self._greet(argument, is_extended=True)

    async def _greet(self, host_name: str, *, is_extended: bool) -> None:
        if not host_name:
            await self._reply(replies.NAME_WANTED)
            return
        self._set_rset_state()
        self._has_greeted = True
        own_name = self._service.settings.domain[0]
        if not is_extended:
            await self._reply(f"250 {own_name}")
            return
        keywords = (
            own_name,
            f"SIZE {self._service.settings.max_message_octets}",
            "8BITMIME",
            "SMTPUTF8",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
        )
        await self._reply("\r\n".join([*(f"250-{keyword}" for keyword in keywords), "250 HELP"]))

    async def smtp_MAIL(self, argument: str) -> None:
        if not self._has_greeted:
            await self._reply(replies.GREETING_WANTED)
        elif self._transaction is not None:
            await self._reply(replies.NESTED_MAIL)
        elif argument[:5].upper() != "FROM:" or not (parsed := path.parse(argument[5:])):
            await self._reply(replies.BAD_REVERSE_PATH)
        elif refusal := self._refuse_parameters(parsed.parameters):
            await self._reply(refusal)
        else:
            self._transaction = _Transaction(reverse_path=parsed.path.given, deliveries=[])
            await self._reply(replies.REVERSE_PATH_OK)

    def _refuse_parameters(self, parameters: dict[str, str | None]) -> str | None:
        """The reply to a parameter of MAIL that cannot be taken, if any (RFC 1870, RFC 6152, RFC 6531, RFC 4954)."""
        limit = self._service.settings.max_message_octets
        for keyword, value in parameters.items():
            match keyword:
                case "SIZE":
                    if value is None or not value.isascii() or not value.isdigit():
                        return replies.BAD_PARAMETER_VALUE
                    if int(value) > limit:
                        return replies.TOO_LARGE.format(octets=limit)
                case "BODY":
                    if value is None or value.upper() not in {"7BIT", "8BITMIME"}:
                        return replies.BAD_PARAMETER_VALUE
                case "SMTPUTF8":
                    if value is not None:
                        return replies.BAD_PARAMETER_VALUE
                case "AUTH" if value is not None:
                    pass  # who vouched for the mail does not matter here (RFC 4954 §5)
                case _:
                    return replies.UNKNOWN_PARAMETER
        return None

    async def smtp_RCPT(self, argument: str) -> None:
        if self._transaction is None:
            await self._reply(replies.MAIL_WANTED)
            return
        parsed = path.parse(argument[3:]) if argument[:3].upper() == "TO:" else None
        if parsed is None or not parsed.path.given:
            await self._reply(replies.BAD_RECIPIENT)
        elif parsed.parameters:
            await self._reply(replies.UNKNOWN_PARAMETER)
        elif parsed.path.domain and parsed.path.domain not in self._service.settings.domain:
            await self._reply(replies.NOT_OURS)
        else:
            await self._reply(await self._accept_recipient(self._transaction, parsed.path))

    async def _accept_recipient(self, transaction: _Transaction, forward_path: path.Path) -> str:
        recipient = await self._service.recipients.find(path.mailbox_address(forward_path))
        if recipient is None:
            return replies.NO_SUCH_MAILBOX
        if recipient.is_full:
            self._log.info("mailbox_full", mailbox=recipient.mailbox_id)
            return replies.MAILBOX_FULL
        transaction.deliveries.append(
            Delivery(id=messages.new_id(), mailbox_id=recipient.mailbox_id, recipient=forward_path.given)
        )
        return replies.RECIPIENT_OK

    async def smtp_DATA(self, argument: str) -> None:
        transaction = self._transaction
        if argument:
            await self._reply(replies.NO_ARGUMENT_TAKEN)
        elif transaction is None:
            await self._reply(replies.MAIL_WANTED)
        elif not transaction.deliveries:
            await self._reply(replies.RECIPIENT_WANTED)
        else:
            await self._reply(replies.SEND_CONTENT)
            content = await self._receive()
            try:
                reply = await self._commit(transaction, content)
            finally:
                # Whatever came of it, the transaction is over, or the next MAIL would be nested.
                self._transaction = None
            await self._reply(reply)

    async def _receive(self) -> Content:
        content = Content(self._service.settings.max_message_octets)
        while True:
            octets = await self._reader.read(_READ_OCTETS)
            if not octets:
                raise asyncio.IncompleteReadError(b"", None)
            self._reset_timeout()
            rest = content.feed(octets)
            if rest is not None:
                # What is pipelined behind the final dot goes back to where the next command is read from.
                self._reader._buffer[:0] = rest  # type: ignore[attr-defined]  # noqa: SLF001  # there is no unread
                return content

    async def _commit(self, transaction: _Transaction, content: Content) -> str:
        limit = self._service.settings.max_message_octets
        if content.is_over_limit:
            self._log.info("message_refused", reason="too_large", limit_octets=limit)
            return replies.TOO_LARGE.format(octets=limit)
        arrival = await make_arrival(
            reverse_path=transaction.reverse_path, deliveries=transaction.deliveries, content=content.octets()
        )
        outcome = await self._service.committer.commit(arrival)
        if outcome.live == 0:
            self._log.info("message_refused", reason="mailbox_gone")
            return replies.NO_SUCH_MAILBOX
        self._messages += 1
        self._log.info(
            "message_stored",
            message=str(transaction.deliveries[0].id),
            recipients=outcome.live,
            stored=outcome.stored,
            octets=len(arrival.content),
        )
        return replies.COMMITTED

    async def smtp_RSET(self, _argument: str) -> None:
        self._set_rset_state()
        await self._reply(replies.OK)

    async def smtp_NOOP(self, _argument: str) -> None:
        await self._reply(replies.OK)

    async def smtp_VRFY(self, _argument: str) -> None:
        await self._reply(replies.CANNOT_VERIFY)

    async def smtp_HELP(self, _argument: str) -> None:
        await self._reply(replies.HELP)

    async def smtp_QUIT(self, _argument: str) -> None:
        self._outcome = "quit"
        await self._reply(replies.GOODBYE)
        self._end()


_COMMANDS: dict[str, Callable[[Session, str], Awaitable[None]]] = {
    "HELO": Session.smtp_HELO,
    "EHLO": Session.smtp_EHLO,
    "MAIL": Session.smtp_MAIL,
    "RCPT": Session.smtp_RCPT,
    "DATA": Session.smtp_DATA,
    "RSET": Session.smtp_RSET,
    "NOOP": Session.smtp_NOOP,
    "VRFY": Session.smtp_VRFY,
    "HELP": Session.smtp_HELP,
    "QUIT": Session.smtp_QUIT,
    "EXPN": Session._not_implemented,  # noqa: SLF001
    "AUTH": Session._not_implemented,  # noqa: SLF001
    "STARTTLS": Session._not_implemented,  # noqa: SLF001
    "ETRN": Session._not_implemented,  # noqa: SLF001
    "TURN": Session._not_implemented,  # noqa: SLF001
}
