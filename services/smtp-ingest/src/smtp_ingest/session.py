"""One SMTP session (RFC 5321): commands in, replies out, `250` after DATA once the message is committed."""

import asyncio
from collections.abc import Awaitable, Callable

from fake_email.errors import ServiceError
from smtp_ingest import arguments, greeting, mail_parameters, replies, reply_tables
from smtp_ingest.connection import Connection
from smtp_ingest.content_reader import ContentReader
from smtp_ingest.context import Context
from smtp_ingest.greeting import Greeting
from smtp_ingest.session_limits import LimitReached, SessionLimits
from smtp_ingest.transaction import Transaction

_HTTP_METHODS = frozenset({"GET", "POST", "CONNECT", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"})
# Commands whose reply is always the same.
_CONSTANT_REPLIES = {
    "NOOP": replies.OK,
    "VRFY": replies.CANNOT_VERIFY,
    "HELP": replies.HELP,
    **dict.fromkeys(("EXPN", "AUTH", "ETRN", "TURN"), replies.NOT_IMPLEMENTED),
}


class Session:
    """What is said over one connection."""

    def __init__(self, service: Context, connection: Connection) -> None:
        self._service = service
        self._settings = service.settings
        self._connection = connection
        self._log = connection.log
        self._transaction: Transaction | None = None
        self._limits = SessionLimits(service.settings)
        self._greeting: Greeting | None = None

    async def converse(self) -> None:
        """Greet, and obey until somebody has had enough."""
        connection = self._connection
        try:
            await connection.reply(f"220 {self._settings.domain[0]} ESMTP fake-email")
            while True:
                await self._obey(await connection.read_line())
        finally:
            self._forget_transaction()

    async def _obey(self, line: bytes) -> None:
        self._limits.count_line()
        if len(line) > self._settings.smtp_max_command_octets:
            await self._reply(self._connection.log_limit("smtp_max_command_octets"))
            return
        try:
            verb, _, argument = line.decode().strip("\r\n").partition(" ")
        except UnicodeDecodeError:
            await self._reply(replies.NOT_UTF8)
            return
        verb = verb.upper()
        self._limits.count_command(verb if verb in _COMMANDS or verb in _CONSTANT_REPLIES else None)
        try:
            if command := _COMMANDS.get(verb):
                await command(self, argument.strip())
            else:
                await self._reply(_CONSTANT_REPLIES.get(verb, replies.UNKNOWN_COMMAND))
        except ServiceError as error:
            self._log.warning("command_deferred", error=type(error).__name__)
            await self._reply(reply_tables.FOR_ERROR[type(error)])
        except (asyncio.IncompleteReadError, ConnectionError, LimitReached):
            raise
        except Exception:  # noqa: BLE001  # the edge: the session survives, the client tries again
            self._log.exception("command_failed")
            self._forget_transaction()
            await self._reply(replies.TRY_LATER)

    def _reply(self, reply: str) -> Awaitable[None]:
        if reply.startswith("5"):
            self._limits.count_error()
        return self._connection.reply(reply)

    # Commands in every state

    async def _speak_http(self, _argument: str) -> None:
        self._connection.end("http")

    async def _rset(self, _argument: str) -> None:
        self._forget_transaction()
        await self._reply(replies.OK)

    async def _quit(self, _argument: str) -> None:
        await self._reply(replies.GOODBYE)
        self._connection.end("quit")

    # The beginning of a session

    async def _helo(self, argument: str) -> None:
        await self._greet(argument, is_extended=False)

    async def _ehlo(self, argument: str) -> None:
        await self._greet(argument, is_extended=True)

    async def _greet(self, host_name: str, *, is_extended: bool) -> None:
        if not host_name:
            await self._reply(replies.NAME_WANTED)
            return
        self._forget_transaction()
        self._greeting = greeting.read(host_name, is_extended=is_extended)
        has_starttls = self._service.certificate is not None and not self._connection.tls
        await self._reply(greeting.reply(self._settings, is_extended=is_extended, has_starttls=has_starttls))

    async def _starttls(self, argument: str) -> None:
        if self._service.certificate is None:
            await self._reply(replies.NOT_IMPLEMENTED)
        elif argument:
            await self._reply(replies.NO_ARGUMENT_TAKEN)
        elif self._connection.tls:
            await self._reply(replies.TLS_ALREADY)
        elif self._greeting is None:
            await self._reply(replies.GREETING_WANTED)
        else:
            self._forget_transaction()
            self._greeting = None
            await self._connection.start_tls(replies.READY_FOR_TLS)

    # A transaction

    def _forget_transaction(self) -> None:
        if self._transaction is not None:
            self._transaction.forget()
            self._transaction = None

    async def _mail(self, argument: str) -> None:
        if self._greeting is None:
            await self._reply(replies.GREETING_WANTED)
        elif self._transaction is not None:
            await self._reply(replies.NESTED_MAIL)
        elif self._connection.messages >= self._settings.smtp_max_messages:
            raise LimitReached("smtp_max_messages")
        elif argument[:5].upper() != "FROM:" or not (parsed := arguments.parse(argument[5:])):
            await self._reply(replies.BAD_REVERSE_PATH)
        elif isinstance(parameters := mail_parameters.read(parsed.parameters), str):
            await self._reply(parameters)
        elif parameters.octets > self._settings.max_message_octets:
            self._log.info("message_refused", reason="too_large")
            await self._reply(reply_tables.FOR_FAULT["too_large"].format(settings=self._settings))
        elif not parsed.path.given.isascii() and not parameters.is_utf8:
            await self._reply(replies.SMTPUTF8_WANTED)
        elif reason := self._service.load.refuse(parameters.octets):
            self._log.warning("mail_deferred", reason=reason)
            await self._reply(reply_tables.FOR_LOAD[reason])
        else:
            self._transaction = Transaction(
                self._service,
                self._connection,
                reverse_path=parsed.path.given,
                parameters=parameters,
                trace=self._greeting.trace(
                    client_address=self._connection.peer, tls=self._connection.tls, is_utf8=parameters.is_utf8
                ),
            )
            await self._reply(replies.REVERSE_PATH_OK)

    async def _rcpt(self, argument: str) -> None:
        transaction = self._transaction
        if transaction is None or transaction.has_content:
            await self._reply(replies.MAIL_WANTED)
            return
        parsed = arguments.parse(argument[3:]) if argument[:3].upper() == "TO:" else None
        if parsed is None or not parsed.path.given:
            await self._reply(replies.BAD_RECIPIENT)
        elif parsed.parameters is None:
            await self._reply(replies.BAD_PARAMETER_VALUE)
        elif parsed.parameters:
            await self._reply(replies.UNKNOWN_PARAMETER)
        elif not parsed.path.given.isascii() and not transaction.is_utf8:
            await self._reply(replies.SMTPUTF8_WANTED)
        elif transaction.recipients >= self._settings.smtp_max_recipients:
            await self._reply(self._connection.log_limit("smtp_max_recipients"))
        else:
            reply = await transaction.accept(parsed.path)
            if reply in {replies.NO_SUCH_MAILBOX, replies.NOT_OURS}:
                delay_seconds = self._limits.count_refused_recipient()
                if delay_seconds:
                    await self._connection.deadlines.working(asyncio.sleep(delay_seconds))
                await self._connection.reply(reply)
            else:
                await self._reply(reply)

    async def _data(self, argument: str) -> None:
        if argument:
            await self._reply(replies.NO_ARGUMENT_TAKEN)
        elif self._transaction is None or self._transaction.has_content:
            await self._reply(replies.MAIL_WANTED)
        elif not self._transaction.recipients:
            await self._reply(replies.RECIPIENT_WANTED)
        else:
            await self._transaction.receive_data()
            await self._commit(self._transaction)

    async def _bdat(self, argument: str) -> None:
        transaction = self._transaction
        chunk = mail_parameters.read_chunk(argument)
        if chunk is None:
            # Where the next command begins nobody knows: what follows may be content.
            self._connection.end_with(replies.BAD_CHUNK, "bad_chunk")
            return
        if transaction is not None and transaction.recipients and not transaction.is_spoiled:
            reply = await transaction.receive_chunk(chunk)
            if chunk.is_last and not transaction.is_spoiled:
                await self._commit(transaction)
                return
            if chunk.octets:
                self._limits.forgive_line()  # the largest size of a message bounds its chunks
        else:
            await ContentReader(self._connection, self._service).chunk(chunk.octets, None)
            reply = replies.MAIL_WANTED
            if transaction is not None:
                reply = replies.RSET_WANTED if transaction.is_spoiled else replies.RECIPIENT_WANTED
        if chunk.is_last:
            self._forget_transaction()
        if reply == replies.RSET_WANTED:
            await self._connection.reply(reply)  # no error of its own: all chunks may have been sent by then
        else:
            await self._reply(reply)

    async def _commit(self, transaction: Transaction) -> None:
        try:
            reply = await transaction.commit()
        finally:
            # Whatever came of it, the transaction is over, or the next MAIL would be nested.
            self._forget_transaction()
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
    **dict.fromkeys(_HTTP_METHODS, Session._speak_http),  # noqa: SLF001
}
