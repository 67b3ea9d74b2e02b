"""One SMTP session (RFC 5321): commands in, replies out; `250` after DATA means that the message is committed."""

import asyncio
from collections.abc import Awaitable, Callable

from fake_email.errors import ServiceError
from smtp_ingest import arguments, ehlo, replies, reply_tables
from smtp_ingest.connection import Connection
from smtp_ingest.content_reader import ContentReader
from smtp_ingest.context import Context
from smtp_ingest.ehlo import ClientIdentity
from smtp_ingest.session_limits import LimitReached, SessionLimits
from smtp_ingest.transaction import Transaction, storage_refusal

_HTTP_METHODS = frozenset({"GET", "POST", "CONNECT", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"})
# Commands with the same reply in every state.
_CONSTANT_REPLIES = {
    "NOOP": replies.OK,
    "VRFY": replies.CANNOT_VERIFY,
    "HELP": replies.HELP,
    **dict.fromkeys(("EXPN", "AUTH", "ETRN", "TURN"), replies.NOT_IMPLEMENTED),
}


class Session:
    """The commands and replies of one connection."""

    def __init__(self, context: Context, connection: Connection) -> None:
        self._context = context
        self._settings = context.settings
        self._connection = connection
        self._log = connection.log
        self._transaction: Transaction | None = None
        self._limits = SessionLimits(context.settings)
        self._identity: ClientIdentity | None = None

    async def run(self) -> None:
        """Greet the client and execute its commands until the connection ends or LimitReached is raised."""
        connection = self._connection
        try:
            await connection.reply(f"220 {self._settings.domain[0]} ESMTP fake-email")
            while True:
                await self._execute(await connection.read_line())
        finally:
            self._end_transaction()

    async def _execute(self, line: bytes) -> None:
        self._limits.count_line()
        if len(line) > self._settings.smtp_max_command_octets:
            await self._reply(self._connection.limit_reply("smtp_max_command_octets"))
            return
        try:
            verb, _, argument = line.decode().strip("\r\n").partition(" ")
        except UnicodeDecodeError:
            await self._reply(replies.NOT_UTF8)
            return
        verb = verb.upper()
        command = _COMMANDS.get(verb)
        if command is None and verb not in _CONSTANT_REPLIES:
            self._limits.count_unknown_command()
        try:
            if command is not None:
                await command(self, argument.strip())
            else:
                await self._reply(_CONSTANT_REPLIES.get(verb, replies.UNKNOWN_COMMAND))
        except ServiceError as error:
            self._log.warning("command_deferred", error=type(error).__name__)
            await self._reply(reply_tables.FOR_ERROR[type(error)])
        except (asyncio.IncompleteReadError, ConnectionError, LimitReached):
            raise
        except Exception:  # noqa: BLE001  # the edge: the session goes on, and the client retries
            self._log.exception("command_failed")
            self._end_transaction()
            await self._reply(replies.TRY_LATER)

    def _reply(self, reply: str) -> Awaitable[None]:
        if reply.startswith("5"):
            self._limits.count_error()
        return self._connection.reply(reply)

    # Commands in every state

    async def _refuse_http(self, _argument: str) -> None:
        self._connection.end("http")

    async def _rset(self, _argument: str) -> None:
        self._end_transaction()
        await self._reply(replies.OK)

    async def _quit(self, _argument: str) -> None:
        await self._reply(replies.GOODBYE)
        self._connection.end("quit")

    # The beginning of a session

    async def _helo(self, argument: str) -> None:
        await self._identify(argument, is_extended=False)

    async def _ehlo(self, argument: str) -> None:
        await self._identify(argument, is_extended=True)

    async def _identify(self, host_name: str, *, is_extended: bool) -> None:
        if not host_name:
            await self._reply(replies.HOST_NAME_REQUIRED)
            return
        self._end_transaction()
        self._identity = ehlo.read(host_name, is_extended=is_extended)
        has_starttls = self._context.certificate is not None and not self._connection.tls
        await self._reply(ehlo.reply(self._settings, is_extended=is_extended, has_starttls=has_starttls))

    async def _starttls(self, argument: str) -> None:
        if self._context.certificate is None:
            await self._reply(replies.NOT_IMPLEMENTED)
        elif argument:
            await self._reply(replies.NO_ARGUMENT_ALLOWED)
        elif self._connection.tls:
            await self._reply(replies.TLS_ALREADY_ACTIVE)
        elif self._identity is None:
            await self._reply(replies.EHLO_REQUIRED)
        else:
            self._end_transaction()
            self._identity = None
            await self._connection.start_tls(replies.READY_FOR_TLS)

    # A transaction

    def _end_transaction(self) -> None:
        if self._transaction is not None:
            self._transaction.discard()
            self._transaction = None

    async def _mail(self, argument: str) -> None:
        if self._identity is None:
            await self._reply(replies.EHLO_REQUIRED)
        elif self._transaction is not None:
            await self._reply(replies.NESTED_MAIL)
        elif self._connection.messages >= self._settings.smtp_max_messages:
            raise LimitReached("smtp_max_messages")
        elif argument[:5].upper() != "FROM:" or not (parsed := arguments.parse_path(argument[5:])):
            await self._reply(replies.BAD_REVERSE_PATH)
        elif isinstance(parameters := arguments.check_mail_parameters(parsed.parameters), str):
            await self._reply(parameters)
        elif parameters.octets > self._settings.max_message_octets:
            await self._reply(self._connection.fault_reply("too_large"))
        elif not parsed.path.given.isascii() and not parameters.is_utf8:
            await self._reply(replies.SMTPUTF8_REQUIRED)
        elif reason := self._context.overload.reason_to_defer(parameters.octets):
            self._log.warning("mail_deferred", reason=reason)
            await self._reply(reply_tables.FOR_OVERLOAD[reason])
        elif refusal := self._storage_refusal(parameters.octets):
            await self._reply(refusal)
        else:
            self._transaction = Transaction(
                self._context,
                self._connection,
                reverse_path=parsed.path.given,
                parameters=parameters,
                trace=self._identity.trace(
                    client_address=self._connection.peer, tls=self._connection.tls, is_utf8=parameters.is_utf8
                ),
            )
            await self._reply(replies.REVERSE_PATH_OK)

    def _storage_refusal(self, octets: int) -> str | None:
        network = self._context.sessions.limited_network(self._connection)
        return storage_refusal(self._context, self._connection, network, octets)

    async def _rcpt(self, argument: str) -> None:
        transaction = self._transaction
        if transaction is None or transaction.has_content:
            await self._reply(replies.MAIL_REQUIRED)
            return
        parsed = arguments.parse_path(argument[3:]) if argument[:3].upper() == "TO:" else None
        if parsed is None or not parsed.path.given:
            await self._reply(replies.BAD_FORWARD_PATH)
        elif parsed.parameters is None:
            await self._reply(replies.BAD_PARAMETER)
        elif parsed.parameters:
            await self._reply(replies.UNKNOWN_PARAMETER)
        elif not parsed.path.given.isascii() and not transaction.is_utf8:
            await self._reply(replies.SMTPUTF8_REQUIRED)
        elif transaction.recipient_count >= self._settings.smtp_max_recipients:
            await self._reply(self._connection.limit_reply("smtp_max_recipients"))
        else:
            reply = await transaction.add_recipient(parsed.path)
            if reply in {replies.NO_SUCH_MAILBOX, replies.NOT_OUR_DOMAIN}:
                delay_seconds = self._limits.count_refused_recipient()
                if delay_seconds:
                    await self._connection.deadlines.suspended_for(asyncio.sleep(delay_seconds))
                await self._connection.reply(reply)
            else:
                await self._reply(reply)

    async def _data(self, argument: str) -> None:
        if argument:
            await self._reply(replies.NO_ARGUMENT_ALLOWED)
        elif self._transaction is None or self._transaction.has_content:
            await self._reply(replies.MAIL_REQUIRED)
        elif not self._transaction.recipient_count:
            await self._reply(replies.RCPT_REQUIRED)
        else:
            await self._transaction.receive_data()
            await self._commit(self._transaction)

    async def _bdat(self, argument: str) -> None:
        transaction = self._transaction
        chunk = arguments.parse_chunk(argument)
        if chunk is None:
            # The next octets may be content, so the beginning of the next command cannot be found.
            self._connection.end_with(replies.BAD_CHUNK, "bad_chunk")
            return
        if transaction is not None and transaction.recipient_count and not transaction.has_refused_chunk:
            reply = await transaction.receive_chunk(chunk)
            if chunk.is_last and not transaction.has_refused_chunk:
                await self._commit(transaction)
                return
            if chunk.octets:
                self._limits.uncount_line()  # The largest size of a message limits its chunks.
        else:
            await ContentReader(self._connection, self._context).read_chunk(chunk.octets, None)
            reply = replies.MAIL_REQUIRED
            if transaction is not None:
                reply = replies.RSET_REQUIRED if transaction.has_refused_chunk else replies.RCPT_REQUIRED
        if chunk.is_last:
            self._end_transaction()
        if reply == replies.RSET_REQUIRED:
            await self._connection.reply(reply)  # Not a further error: the client may have pipelined all its chunks.
        else:
            await self._reply(reply)

    async def _commit(self, transaction: Transaction) -> None:
        try:
            reply = await transaction.commit()
        finally:
            # After any outcome the transaction is over; otherwise the next MAIL would be refused as nested.
            self._end_transaction()
        if reply == replies.COMMITTED:
            self._limits.reset_lines()
        await self._reply(reply)


_COMMANDS: dict[str, Callable[[Session, str], Awaitable[None]]] = {
    "HELO": Session._helo,  # noqa: SLF001
    "EHLO": Session._ehlo,  # noqa: SLF001
    "STARTTLS": Session._starttls,  # noqa: SLF001
    "MAIL": Session._mail,  # noqa: SLF001
    "RCPT": Session._rcpt,  # noqa: SLF001
    "DATA": Session._data,  # noqa: SLF001
    "BDAT": Session._bdat,  # noqa: SLF001
    "RSET": Session._rset,  # noqa: SLF001
    "QUIT": Session._quit,  # noqa: SLF001
    **dict.fromkeys(_HTTP_METHODS, Session._refuse_http),  # noqa: SLF001
}
