"""The commands of a transaction (RFC 5321 §3.3, RFC 3030): MAIL, RCPT, DATA and BDAT, up to the commit."""

import asyncio
from functools import partial

from smtp_ingest import arguments, eager, refusals, replies, reply_tables
from smtp_ingest.arguments import Chunk, MailParameters, Path
from smtp_ingest.connection import Connection
from smtp_ingest.content_reader import ChunkReader
from smtp_ingest.context import Context
from smtp_ingest.dialogue import ContentReader, Rest, Step
from smtp_ingest.ehlo import ClientIdentity
from smtp_ingest.guard import Guard
from smtp_ingest.responder import Responder
from smtp_ingest.session_limits import LimitReached, SessionLimits
from smtp_ingest.transaction import Transaction
from smtp_ingest.transfer_notes import TransferNotes

# No such mailbox, not our domain, a blocked sender.
_REFUSED_FOR_GOOD = "550"


class MailCommands:
    """The transactions of one session, one after the other; `guard` runs what follows a content."""

    def __init__(
        self, context: Context, connection: Connection, limits: SessionLimits, responder: Responder, guard: Guard
    ) -> None:
        self._context = context
        self._settings = context.settings
        self._connection = connection
        self._dialogue = connection.dialogue
        self._log = connection.log
        self._counts = context.counts
        self._limits = limits
        self._responder = responder
        self._guard = guard
        self._transaction: Transaction | None = None
        # Of a MAIL that was refused, whose RCPT the client may have pipelined.
        self._refusal: tuple[TransferNotes, str] | None = None

    def end_transaction(self) -> None:
        """Drop what was not committed."""
        self._refusal = None
        if self._transaction is not None:
            self._transaction.discard()
            self._transaction = None

    def mail(self, argument: str, identity: ClientIdentity | None) -> None:
        """MAIL from a client that has given `identity` in EHLO or HELO, None if it has not."""
        self._refusal = None
        if identity is None:
            self._responder.reply(replies.EHLO_REQUIRED)
        elif self._transaction is not None:
            self._responder.reply(replies.NESTED_MAIL)
        elif self._connection.messages >= self._settings.smtp_max_messages:
            raise LimitReached("smtp_max_messages")
        elif argument[:5].upper() != "FROM:" or not (parsed := arguments.parse_path(argument[5:])):
            self._responder.reply(replies.BAD_REVERSE_PATH)
        elif isinstance(parameters := arguments.check_mail_parameters(parsed.parameters), str):
            self._responder.reply(parameters)
        else:
            self._begin(parsed.path.given, parameters, identity)

    def _begin(self, reverse_path: str, parameters: MailParameters, identity: ClientIdentity) -> None:
        trace = identity.trace(
            client_address=self._connection.peer, tls=self._connection.tls, is_utf8=parameters.is_utf8
        )
        refusal = self._mail_refusal(reverse_path, parameters)
        if refusal is None:
            self._transaction = Transaction(
                self._context, self._connection, reverse_path=reverse_path, parameters=parameters, trace=trace
            )
        else:
            log = self._context.attempt_log
            self._refusal = TransferNotes(log, reverse_path=reverse_path, parameters=parameters, trace=trace), refusal
        self._responder.reply(refusal or replies.REVERSE_PATH_OK)

    def _mail_refusal(self, reverse_path: str, parameters: MailParameters) -> str | None:
        if parameters.octets > self._settings.max_message_octets:
            return self._connection.fault_reply("too_large")
        if not reverse_path.isascii() and not parameters.is_utf8:
            return replies.SMTPUTF8_REQUIRED
        reason = self._context.overload.reason_to_defer(parameters.octets)
        if reason:
            self._log.warning("mail_deferred", reason=reason)
            self._counts.overload[reason] += 1
            return reply_tables.FOR_OVERLOAD[reason]
        network = self._context.sessions.limited_network(self._connection)
        return refusals.for_storage(self._context, self._connection, network, parameters.octets)

    def rcpt(self, argument: str) -> Rest:
        """RCPT: add a recipient to the transaction."""
        transaction = self._transaction
        parsed = arguments.parse_path(argument[3:]) if argument[:3].upper() == "TO:" else None
        if transaction is None or transaction.has_content:
            if parsed is not None:
                self._note_refusal(parsed.path)
            self._responder.reply(replies.MAIL_REQUIRED)
            return None
        if parsed is None or not parsed.path.given:
            self._responder.reply(replies.BAD_FORWARD_PATH)
        elif parsed.parameters is None:
            self._responder.reply(replies.BAD_PARAMETER)
        elif parsed.parameters:
            self._responder.reply(replies.UNKNOWN_PARAMETER)
        elif not parsed.path.given.isascii() and not transaction.is_utf8:
            self._responder.reply(replies.SMTPUTF8_REQUIRED)
        elif transaction.recipient_count >= self._settings.smtp_max_recipients:
            self._responder.reply(self._connection.limit_reply("smtp_max_recipients"))
        else:
            return eager.begin(self._add_recipient(transaction, parsed.path))
        return None

    def _note_refusal(self, forward_path: Path) -> None:
        """Tell the timeline of a mailbox that the MAIL before this RCPT was refused."""
        domains = self._settings.domain
        address = arguments.mailbox_address(forward_path, domains[0])
        if self._refusal is not None and address.rpartition("@")[2] in domains:
            notes, reply = self._refusal
            notes.note(address, "rcpt", reply, octets=0)

    async def _add_recipient(self, transaction: Transaction, forward_path: Path) -> None:
        reply = await transaction.add_recipient(forward_path)
        if not reply.startswith(_REFUSED_FOR_GOOD):
            self._responder.reply(reply)
            return
        delay_seconds = self._limits.count_refused_recipient()
        if delay_seconds:
            await asyncio.sleep(delay_seconds)
        self._responder.send(reply)

    def data(self, argument: str) -> None:
        """DATA: read the content, and commit the message at its end."""
        if argument:
            self._responder.reply(replies.NO_ARGUMENT_ALLOWED)
        elif self._transaction is None or self._transaction.has_content:
            self._responder.reply(replies.MAIL_REQUIRED)
        elif not self._transaction.recipient_count:
            self._responder.reply(replies.RCPT_REQUIRED)
        else:
            self._responder.reply(replies.SEND_CONTENT)
            self._read_content(self._transaction.data_reader(), partial(self._commit, self._transaction))

    def bdat(self, argument: str) -> Rest:
        """BDAT: read a chunk of the content, and commit the message after the last."""
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
            self.end_transaction()
        self._responder.reply(reply)
        return None

    def _end_ignored_chunk(self, chunk: Chunk) -> None:
        if self._transaction is not None and self._transaction.has_refused_chunk:
            # Not a further error: the client may have pipelined all its chunks.
            self._responder.send(replies.RSET_REQUIRED)
        else:
            self._responder.reply(replies.MAIL_REQUIRED if self._transaction is None else replies.RCPT_REQUIRED)
        if chunk.is_last:
            self.end_transaction()

    def _read_content(self, reader: ContentReader, step: Step) -> None:
        """Give what follows to `reader`, then go on with `step`."""
        self._dialogue.read_content(reader, partial(self._guard.run, step))

    async def _commit(self, transaction: Transaction) -> None:
        self._responder.counted = self._counts.commit
        try:
            reply = await transaction.commit()
            if transaction.has_refused_chunk:
                self._responder.counted = self._counts.data
        finally:
            # After any outcome the transaction is over; otherwise the next MAIL would be refused as nested.
            self.end_transaction()
        if reply == replies.COMMITTED:
            self._limits.reset_lines()
        self._responder.reply(reply)
        if reply == replies.COMMITTED:
            self._dialogue.flush()
            transaction.log_stored()  # After the reply, so that the client does not wait for the log.
