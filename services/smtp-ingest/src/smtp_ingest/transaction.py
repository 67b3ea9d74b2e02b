"""One transaction (RFC 5321 §3.3): the envelope, the content, and the commit before the final `250`."""

import asyncio

from fake_email.storage import store
from fake_email.storage.store import Delivery, IncomingMessage, Outcome, Trace
from smtp_ingest import arguments, replies, reply_tables
from smtp_ingest.arguments import Chunk, MailParameters, Path
from smtp_ingest.connection import Connection
from smtp_ingest.content import Content
from smtp_ingest.content_reader import ChunkReader, DataReader
from smtp_ingest.context import Context
from smtp_ingest.parsing import make_incoming


def storage_refusal(context: Context, connection: Connection, network: int | None, octets: int) -> str | None:
    """The reply to a message of that size past a limit on stored mail, which is logged once a minute."""
    now = asyncio.get_running_loop().time()
    limit = context.storage_limits.reached(network, octets, now)
    if limit is None:
        return None
    is_to_be_logged = context.storage_limits.is_to_be_logged(limit, network, now)
    return connection.limit_reply(limit) if is_to_be_logged else reply_tables.FOR_LIMIT[limit]


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
        self._addresses: list[str] = []
        self._content: Content | None = None
        # Now, since a client that has left is no longer known.
        self._network = context.sessions.limited_network(connection)
        self._octets = 0
        self._outcome: Outcome | None = None
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
        """Drop the envelope and the content, and release the memory."""
        if self._content is not None:
            self._content.discard()
        self._connection.is_in_transaction = False

    async def add_recipient(self, forward_path: Path) -> str:
        """Add a recipient that has a mailbox; returns the reply. Raises DatabaseAway, DatabaseFull and QueueFull."""
        domains, recipients = self._context.settings.domain, self._context.recipients
        address = arguments.mailbox_address(forward_path, domains[0])
        if address.rpartition("@")[2] not in domains:
            return replies.NOT_OUR_DOMAIN
        if not recipients.is_role_address(address) and (refusal := self._block_refusal()):
            return refusal
        recipient = await recipients.find(address, self._parameters.octets)
        if recipient is None:
            return replies.NO_SUCH_MAILBOX
        if recipients.is_full(recipient, self._parameters.octets):
            return self._connection.limit_reply("mailbox_quota", mailbox=recipient.mailbox_id)
        self._deliveries.append(
            Delivery(
                id=store.new_id(),
                mailbox_id=recipient.mailbox_id,
                recipient=forward_path.given,
                drops=recipients.is_role_mailbox(recipient),
            )
        )
        self._addresses.append(recipient.address)
        return replies.RECIPIENT_OK

    def _block_refusal(self) -> str | None:
        """The reply to a sender that the operator blocks, which is logged."""
        block = self._context.blocked_senders.find(
            client_address=self._trace.client_address, reverse_path=self._reverse_path
        )
        if block is None:
            return None
        self._connection.log.info("sender_blocked", block=block.sender)
        return replies.BLOCKED.format(text=block.reply)

    def data_reader(self) -> DataReader:
        """The reader of the content after DATA."""
        self._content = Content(self._context.settings, self._context.memory)
        return DataReader(self._context.settings, self._content)

    def chunk_reader(self, chunk: Chunk) -> ChunkReader:
        """The reader of one chunk."""
        if self._content is None:
            self._content = Content(self._context.settings, self._context.memory)
        return ChunkReader(self._context.settings, self._content, chunk.octets)

    def chunk_reply(self, chunk: Chunk) -> str:
        """The reply to a chunk that was read, unless it is the last."""
        if self._content is not None and self._content.fault:
            return self._connection.fault_reply(self._content.fault)
        return replies.CHUNK_OK.format(octets=chunk.octets)

    async def commit(self) -> str:
        """Commit the message; returns the reply. Raises DatabaseAway, DatabaseFull, QueueFull, NotStored."""
        assert self._content is not None  # noqa: S101  # The caller has received the content.
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
        if refusal := storage_refusal(self._context, self._connection, self._network, incoming.octets):
            return refusal
        outcome = await self._commit(incoming)
        if outcome.full_mailbox_id is not None:
            return self._connection.limit_reply("mailbox_quota", mailbox=outcome.full_mailbox_id)
        if outcome.live == 0:
            self._connection.log.info("message_refused", reason="mailbox_gone")
            return replies.NO_SUCH_MAILBOX
        if outcome.stored:
            for address in self._addresses:
                self._context.recipients.count(address, incoming.octets)
        self._connection.messages += 1
        self._octets, self._outcome = incoming.octets, outcome
        return replies.COMMITTED

    async def _commit(self, incoming: IncomingMessage) -> Outcome:
        limits = self._context.storage_limits
        limits.count(self._network, incoming.octets, asyncio.get_running_loop().time())
        is_stored = False
        try:
            outcome = await self._context.group_commit.commit(incoming)
            is_stored = outcome.stored > 0
        finally:
            if not is_stored:
                limits.count(self._network, -incoming.octets, asyncio.get_running_loop().time())
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
