"""One SMTP session (RFC 5321): commands in, replies out; `250` after DATA means that the message is committed."""

import asyncio
from collections.abc import Callable
from functools import partial

from smtp_ingest import arguments, eager, ehlo, replies, reply_tables
from smtp_ingest.arguments import Chunk, Path
from smtp_ingest.connection import Connection
from smtp_ingest.content_reader import ChunkReader
from smtp_ingest.context import Context
from smtp_ingest.counts import count
from smtp_ingest.dialogue import ContentReader, Rest, Step
from smtp_ingest.ehlo import ClientIdentity
from smtp_ingest.guard import Guard
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
# No such mailbox, not our domain, a blocked sender.
_REFUSED_FOR_GOOD = "550"


class Session:
    """The commands and replies of one connection."""

    def __init__(self, context: Context, connection: Connection) -> None:
        self._context = context
        self._settings = context.settings
        self._connection = connection
        self._dialogue = connection.dialogue
        self._log = connection.log
        self._counts = context.counts
        self._guard = Guard(
            connection.log, context.counts.errors, reply=self._reply, end_transaction=self._end_transaction
        )
        self._transaction: Transaction | None = None
        self._limits = SessionLimits(context.settings)
        self._identity: ClientIdentity | None = None
        # The counts of replies to the command in progress.
        self._counted: dict[str, int] | None = None

    def greet(self) -> None:
        """Send the greeting."""
        self._dialogue.reply(f"220 {self._settings.domain[0]} ESMTP fake-email")

    def close(self) -> None:
        """Drop what was not committed."""
        self._end_transaction()

    def execute(self, line: bytes) -> Rest:
        """Execute the command in `line`; returns the rest of its work when that has to wait for something."""
        self._limits.count_line()
        if len(line) > self._settings.smtp_max_command_octets:
            self._reply(self._connection.limit_reply("smtp_max_command_octets"))
            return None
        try:
            verb, _, argument = line.decode().strip("\r\n").partition(" ")
        except UnicodeDecodeError:
            self._reply(replies.NOT_UTF8)
            return None
        verb = verb.upper()
        self._counted = self._counts.of_command.get(verb)
        command = _COMMANDS.get(verb)
        if command is not None:
            return self._guard.run(partial(command, self, argument.strip()))
        if verb not in _CONSTANT_REPLIES:
            self._limits.count_unknown_command()
        self._reply(_CONSTANT_REPLIES.get(verb, replies.UNKNOWN_COMMAND))
        return None

    def _reply(self, reply: str) -> None:
        if reply.startswith("5"):
            self._limits.count_error()
        self._send(reply)

    def _send(self, reply: str) -> None:
        """Send a reply that counts as no error of the client."""
        if self._counted is not None:
            count(self._counted, reply)
        self._dialogue.reply(reply)

    # Commands in every state

    def _refuse_http(self, _argument: str) -> None:
        self._connection.end("http")

    def _rset(self, _argument: str) -> None:
        self._end_transaction()
        self._reply(replies.OK)

    def _quit(self, _argument: str) -> None:
        self._reply(replies.GOODBYE)
        self._connection.end("quit")

    # The beginning of a session

    def _helo(self, argument: str) -> None:
        self._identify(argument, is_extended=False)

    def _ehlo(self, argument: str) -> None:
        self._identify(argument, is_extended=True)

    def _identify(self, host_name: str, *, is_extended: bool) -> None:
        if not host_name:
            self._reply(replies.HOST_NAME_REQUIRED)
            return
        self._end_transaction()
        self._identity = ehlo.read(host_name, is_extended=is_extended)
        has_starttls = self._context.certificate is not None and not self._connection.tls
        self._reply(ehlo.reply(self._settings, is_extended=is_extended, has_starttls=has_starttls))

    def _starttls(self, argument: str) -> Rest:
        if self._context.certificate is None:
            self._reply(replies.NOT_IMPLEMENTED)
        elif argument:
            self._reply(replies.NO_ARGUMENT_ALLOWED)
        elif self._connection.tls:
            self._reply(replies.TLS_ALREADY_ACTIVE)
        elif self._identity is None:
            self._reply(replies.EHLO_REQUIRED)
        else:
            self._end_transaction()
            self._identity = None
            return self._connection.start_tls(replies.READY_FOR_TLS)
        return None

    # A transaction

    def _end_transaction(self) -> None:
        if self._transaction is not None:
            self._transaction.discard()
            self._transaction = None

    def _mail(self, argument: str) -> None:
        if self._identity is None:
            self._reply(replies.EHLO_REQUIRED)
        elif self._transaction is not None:
            self._reply(replies.NESTED_MAIL)
        elif self._connection.messages >= self._settings.smtp_max_messages:
            raise LimitReached("smtp_max_messages")
        elif argument[:5].upper() != "FROM:" or not (parsed := arguments.parse_path(argument[5:])):
            self._reply(replies.BAD_REVERSE_PATH)
        elif isinstance(parameters := arguments.check_mail_parameters(parsed.parameters), str):
            self._reply(parameters)
        elif parameters.octets > self._settings.max_message_octets:
            self._reply(self._connection.fault_reply("too_large"))
        elif not parsed.path.given.isascii() and not parameters.is_utf8:
            self._reply(replies.SMTPUTF8_REQUIRED)
        elif reason := self._context.overload.reason_to_defer(parameters.octets):
            self._log.warning("mail_deferred", reason=reason)
            self._counts.overload[reason] += 1
            self._reply(reply_tables.FOR_OVERLOAD[reason])
        elif refusal := self._storage_refusal(parameters.octets):
            self._reply(refusal)
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
            self._reply(replies.REVERSE_PATH_OK)

    def _storage_refusal(self, octets: int) -> str | None:
        network = self._context.sessions.limited_network(self._connection)
        return storage_refusal(self._context, self._connection, network, octets)

    def _rcpt(self, argument: str) -> Rest:
        transaction = self._transaction
        if transaction is None or transaction.has_content:
            self._reply(replies.MAIL_REQUIRED)
            return None
        parsed = arguments.parse_path(argument[3:]) if argument[:3].upper() == "TO:" else None
        if parsed is None or not parsed.path.given:
            self._reply(replies.BAD_FORWARD_PATH)
        elif parsed.parameters is None:
            self._reply(replies.BAD_PARAMETER)
        elif parsed.parameters:
            self._reply(replies.UNKNOWN_PARAMETER)
        elif not parsed.path.given.isascii() and not transaction.is_utf8:
            self._reply(replies.SMTPUTF8_REQUIRED)
        elif transaction.recipient_count >= self._settings.smtp_max_recipients:
            self._reply(self._connection.limit_reply("smtp_max_recipients"))
        else:
            return eager.begin(self._add_recipient(transaction, parsed.path))
        return None

    async def _add_recipient(self, transaction: Transaction, forward_path: Path) -> None:
        reply = await transaction.add_recipient(forward_path)
        if not reply.startswith(_REFUSED_FOR_GOOD):
            self._reply(reply)
            return
        delay_seconds = self._limits.count_refused_recipient()
        if delay_seconds:
            await asyncio.sleep(delay_seconds)
        self._send(reply)

    def _data(self, argument: str) -> None:
        if argument:
            self._reply(replies.NO_ARGUMENT_ALLOWED)
        elif self._transaction is None or self._transaction.has_content:
            self._reply(replies.MAIL_REQUIRED)
        elif not self._transaction.recipient_count:
            self._reply(replies.RCPT_REQUIRED)
        else:
            self._reply(replies.SEND_CONTENT)
            self._read_content(self._transaction.data_reader(), partial(self._commit, self._transaction))

    def _bdat(self, argument: str) -> Rest:
        transaction = self._transaction
        chunk = arguments.parse_chunk(argument)
        if chunk is None:
            # The next octets may be content, so the beginning of the next command cannot be found.
            self._connection.end_with(replies.BAD_CHUNK, "bad_chunk")
            return None
        step: Step
        if transaction is not None and transaction.recipient_count and not transaction.has_refused_chunk:
            reader, step = transaction.chunk_reader(chunk), partial(self._end_chunk, transaction, chunk)
        else:
            reader, step = ChunkReader(self._settings, None, chunk.octets), partial(self._end_ignored_chunk, chunk)
        if not chunk.octets:
            return step()
        self._read_content(reader, step)
        return None

    def _end_chunk(self, transaction: Transaction, chunk: Chunk) -> Rest:
        if chunk.is_last and not transaction.has_refused_chunk:
            return self._commit(transaction)
        if chunk.octets:
            self._limits.uncount_line()  # The largest size of a message limits its chunks.
        reply = transaction.chunk_reply(chunk)
        if chunk.is_last:
            self._end_transaction()
        self._reply(reply)
        return None

    def _end_ignored_chunk(self, chunk: Chunk) -> None:
        if self._transaction is not None and self._transaction.has_refused_chunk:
            # Not a further error: the client may have pipelined all its chunks.
            self._send(replies.RSET_REQUIRED)
        else:
            self._reply(replies.MAIL_REQUIRED if self._transaction is None else replies.RCPT_REQUIRED)
        if chunk.is_last:
            self._end_transaction()

    def _read_content(self, reader: ContentReader, step: Step) -> None:
        """Give what follows to `reader`, then go on with `step`."""
        self._dialogue.read_content(reader, partial(self._guard.run, step))

    async def _commit(self, transaction: Transaction) -> None:
        self._counted = self._counts.commit
        try:
            reply = await transaction.commit()
            if transaction.has_refused_chunk:
                self._counted = self._counts.data
        finally:
            # After any outcome the transaction is over; otherwise the next MAIL would be refused as nested.
            self._end_transaction()
        if reply == replies.COMMITTED:
            self._limits.reset_lines()
        self._reply(reply)
        if reply == replies.COMMITTED:
            self._dialogue.flush()
            transaction.log_stored()  # After the reply, so that the client does not wait for the log.


_COMMANDS: dict[str, Callable[[Session, str], Rest]] = {
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
