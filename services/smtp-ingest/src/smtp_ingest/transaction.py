"""One transaction (RFC 5321 §3.3): the envelope, the content, and the commit before the final `250`."""

import uuid
from collections import defaultdict

import msgspec

from fake_email.errors import ServiceError
from fake_email.storage.attempts import Repeated, Stage
from fake_email.storage.incoming_message import Delivery, IncomingMessage, Trace, new_id
from fake_email.storage.store import Outcome
from smtp_ingest import arguments, refusals, replies, reply_tables
from smtp_ingest.arguments import Chunk, MailParameters, Path
from smtp_ingest.connection import Connection
from smtp_ingest.content import Content
from smtp_ingest.content_reader import ChunkReader, DataReader
from smtp_ingest.context import Context
from smtp_ingest.parsing import make_incoming
from smtp_ingest.transfer_notes import TransferNotes


class Transaction:
    """MAIL to the end of DATA or to the last BDAT; `discard` it after any outcome."""

    def __init__(
        self, context: Context, connection: Connection, *, reverse_path: str, parameters: MailParameters, trace: Trace
    ) -> None:
        self._context = context
        self._connection = connection
        self._reverse_path = reverse_path
        self._parameters = parameters
        self._trace = trace
        self._deliveries: list[Delivery] = []
        # The deliveries to mailboxes that want their senders checked.
        self._checked_ids: list[uuid.UUID] = []
        self._addresses: list[str] = []
        self._content: Content | None = None
        # Looked up now: a client that has left is forgotten.
        self._network = context.sessions.limited_network(connection)
        self._octets = 0
        self._outcome: Outcome | None = None
        self._notes = TransferNotes(context.attempt_log, reverse_path=reverse_path, parameters=parameters, trace=trace)
        # The refusal of the whole message, once there is one.
        self._refusal: str | None = None
        connection.is_in_transaction = True

    @property
    def is_utf8(self) -> bool:
        return self._parameters.is_utf8

    @property
    def recipient_count(self) -> int:
        """The number of accepted recipients."""
        return len(self._deliveries)

    @property
    def has_content(self) -> bool:
        """True once the content has begun, which closes the envelope."""
        return self._content is not None

    @property
    def has_refused_chunk(self) -> bool:
        """True once a chunk was refused; the message is incomplete without it (RFC 3030 §2)."""
        return self._content is not None and self._content.fault is not None

    def discard(self) -> None:
        """Drop the envelope and the content, and release the memory; the timelines tell of mail that was not stored."""
        if self._outcome is None:
            self._note_failure()
        if self._content is not None:
            self._content.discard()
        self._connection.is_in_transaction = False

    async def add_recipient(self, forward_path: Path) -> str:
        """Add a recipient that has a mailbox; returns the reply. Raises DatabaseAway, DatabaseFull and QueueFull."""
        domains = self._context.settings.domain
        address = arguments.mailbox_address(forward_path, domains[0])
        if address.rpartition("@")[2] not in domains:
            return replies.NOT_OUR_DOMAIN
        try:
            reply = await self._add_address(address, forward_path)
        except ServiceError as error:
            self._note(address, "rcpt", reply_tables.FOR_ERROR[type(error)])
            raise
        if reply != replies.RECIPIENT_OK:
            self._note(address, "rcpt", reply)
        return reply

    async def _add_address(self, address: str, forward_path: Path) -> str:
        recipients = self._context.recipients
        if not recipients.is_role_address(address):
            refusal = refusals.for_sender(self._context, self._connection, self._trace, self._reverse_path)
            if refusal:
                return refusal
        recipient = await recipients.find(address, self._parameters.octets)
        if recipient is None:
            return replies.NO_SUCH_MAILBOX
        if recipients.is_full(recipient, self._parameters.octets):
            return self._connection.limit_reply("mailbox_quota", mailbox=recipient.mailbox_id)
        delivery = Delivery(
            id=new_id(),
            mailbox_id=recipient.mailbox_id,
            recipient=forward_path.given,
            drops=recipients.is_role_mailbox(recipient),
        )
        self._deliveries.append(delivery)
        if recipient.authentication:
            self._checked_ids.append(delivery.id)
        self._addresses.append(recipient.address)
        return replies.RECIPIENT_OK

    def data_reader(self) -> DataReader:
        """The reader of the content after DATA."""
        return DataReader(self._context.settings, self._begin_content())

    def chunk_reader(self, chunk: Chunk) -> ChunkReader:
        """The reader of one chunk."""
        content = self._begin_content() if self._content is None else self._content
        return ChunkReader(self._context.settings, content, chunk.octets)

    def _begin_content(self) -> Content:
        self._notes.begin_content()
        self._content = Content(self._context.settings, self._context.memory)
        return self._content

    def chunk_reply(self, chunk: Chunk) -> str:
        """The reply to a chunk that was read, unless it is the last."""
        if self._content is not None and self._content.fault:
            self._refusal = self._connection.fault_reply(self._content.fault)
            return self._refusal
        return replies.CHUNK_OK.format(octets=chunk.octets)

    async def commit(self) -> str:
        """Commit the message; returns the reply. Raises DatabaseAway, DatabaseFull, QueueFull, NotStored."""
        try:
            reply = await self._commit_content()
        except ServiceError as error:
            self._refusal = reply_tables.FOR_ERROR[type(error)]
            raise
        except Exception:
            self._refusal = replies.TRY_LATER
            raise
        if self._outcome is None:
            self._refusal = reply
        return reply

    async def _commit_content(self) -> str:
        assert self._content is not None  # noqa: S101  # The caller has received the content.
        self._notes.end_content()
        self._content.finish()
        if self._content.fault:
            return self._connection.fault_reply(self._content.fault)
        incoming = await make_incoming(
            self._context.parser_threads,
            reverse_path=self._reverse_path,
            deliveries=self._deliveries,
            trace=self._trace,
            content=self._content.hand_over(),
        )
        refusal = refusals.for_storage(self._context, self._connection, self._network, incoming.octets)
        if refusal:
            return refusal
        outcome = await self._commit_with_check(incoming)
        if outcome.full_mailbox_id is not None:
            return self._connection.limit_reply("mailbox_quota", mailbox=outcome.full_mailbox_id)
        if outcome.live == 0:
            self._connection.log.info("message_refused", reason="mailbox_gone")
            return replies.NO_SUCH_MAILBOX
        if outcome.stored:
            for address in self._addresses:
                self._context.recipients.count(address, incoming.octets)
        if outcome.stored < outcome.live:
            self._note_duplicates(incoming)
        self._connection.messages += 1
        self._context.counts.stored_octets += incoming.octets
        self._octets, self._outcome = incoming.octets, outcome
        return replies.COMMITTED

    async def _commit_with_check(self, incoming: IncomingMessage) -> Outcome:
        """Commit the message; its sender is checked after that, if there is a slot for the check."""
        checks, client_address = self._context.checks, self._trace.client_address
        skipped = checks.take_slot(client_address, incoming.octets, is_wanted=bool(self._checked_ids))
        incoming = msgspec.structs.replace(incoming, transfer=self._notes.transfer(), check_skipped=skipped)
        is_stored = False
        try:
            outcome = await self._commit(incoming)
            is_stored = outcome.stored > 0
        finally:
            if skipped is None and not is_stored:
                checks.release_slot(client_address, incoming.octets)
        if skipped is None and is_stored:
            checks.begin(incoming, self._checked_ids)
        return outcome

    async def _commit(self, incoming: IncomingMessage) -> Outcome:
        limits = self._context.storage_limits
        limits.count(self._network, incoming.octets, self._connection.loop.time())
        is_stored = False
        try:
            outcome = await self._context.group_commit.commit(incoming)
            is_stored = outcome.stored > 0
        finally:
            if not is_stored:
                limits.count(self._network, -incoming.octets, self._connection.loop.time())
        return outcome

    def log_stored(self) -> None:
        """Log the message, once it is committed."""
        if self._outcome is not None:
            self._connection.log.info(
                "message_stored",
                message=str(self._deliveries[0].id),
                recipients=self._outcome.live,
                stored=self._outcome.stored,
                octets=self._octets,
            )

    # The timeline of each mailbox

    def _note_failure(self) -> None:
        """Note the end of a message that was not stored, for each accepted recipient."""
        stage: Stage = "commit"
        reply = self._refusal or self._connection.last_refusal
        if self._content is None:
            stage, reply = "rcpt", reply or replies.RECIPIENT_OK
        elif self._content.fault or not self._notes.has_whole_content:
            stage = "data"
        for address in self._addresses:
            self._note(address, stage, reply)

    def _note_duplicates(self, incoming: IncomingMessage) -> None:
        """Note the message for each mailbox that had it already."""
        own_ids = defaultdict(list)
        for address, delivery in zip(self._addresses, incoming.deliveries, strict=True):
            own_ids[address].append(delivery.id)
        for address, ids in own_ids.items():
            repeated = Repeated(content_sha256=incoming.content_sha256, own_ids=tuple(ids))
            self._notes.note(address, "commit", replies.COMMITTED, octets=incoming.octets, repeated=repeated)

    def _note(self, address: str, stage: Stage, reply: str | None) -> None:
        octets = self._content.octets if self._content else 0
        self._notes.note(address, stage, reply, octets=octets)
