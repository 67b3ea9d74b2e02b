"""One transaction (RFC 5321 §3.3): an envelope, then content, then the commit that earns a `250`."""

from fake_email.storage import store
from fake_email.storage.store import Delivery, Trace
from smtp_ingest import arguments, replies, reply_tables
from smtp_ingest.arguments import Path
from smtp_ingest.connection import Connection
from smtp_ingest.content import Content, Fault
from smtp_ingest.content_reader import ContentReader
from smtp_ingest.context import Context
from smtp_ingest.mail_parameters import Chunk, Parameters
from smtp_ingest.parsing import make_incoming


class Transaction:
    """MAIL to the end of DATA or to the last BDAT; `forget` it whatever comes of it."""

    def __init__(
        self, service: Context, connection: Connection, *, reverse_path: str, parameters: Parameters, trace: Trace
    ) -> None:
        self._service = service
        self._connection = connection
        self._log = connection.log
        self._reverse_path = reverse_path
        self._parameters = parameters
        self._trace = trace
        self._deliveries: list[Delivery] = []
        self._content: Content | None = None
        connection.is_in_transaction = True

    @property
    def is_utf8(self) -> bool:
        return self._parameters.is_utf8

    @property
    def recipients(self) -> int:
        """How many were accepted."""
        return len(self._deliveries)

    @property
    def has_content(self) -> bool:
        """Whether some of the content came already, and the envelope is closed."""
        return self._content is not None

    @property
    def is_spoiled(self) -> bool:
        """Whether a chunk was refused, so that the others would make no whole (RFC 3030 §2)."""
        return self._content is not None and self._content.fault is not None

    def forget(self) -> None:
        """Leave nothing behind."""
        if self._content is not None:
            self._content.clear()
        self._connection.is_in_transaction = False

    async def accept(self, forward_path: Path) -> str:
        """The reply to a recipient; raises DatabaseAway, DatabaseFull and QueueFull."""
        domains = self._service.settings.domain
        address = arguments.mailbox_address(forward_path, domains[0])
        if address.rpartition("@")[2] not in domains:
            return replies.NOT_OURS
        recipient = await self._connection.deadlines.working(self._service.recipients.find(address))
        if recipient is None:
            return replies.NO_SUCH_MAILBOX
        if self._service.recipients.is_full(recipient, self._parameters.octets):
            return self._connection.log_limit("mailbox_quota", mailbox=recipient.mailbox_id)
        self._deliveries.append(
            Delivery(
                id=store.new_id(),
                mailbox_id=recipient.mailbox_id,
                recipient=forward_path.given,
                drops=self._service.recipients.is_operators(recipient),
            )
        )
        return replies.RECIPIENT_OK

    async def receive_data(self) -> None:
        """Ask for the content and read it to its end."""
        self._content = Content(self._service.settings, self._service.room)
        await self._connection.reply(replies.SEND_CONTENT)
        await ContentReader(self._connection, self._service).data(self._content)

    async def receive_chunk(self, chunk: Chunk) -> str:
        """Read one chunk; the reply to it unless it was the last."""
        if self._content is None:
            self._content = Content(self._service.settings, self._service.room)
        await ContentReader(self._connection, self._service).chunk(chunk.octets, self._content)
        if self._content.fault:
            return self._refuse(self._content.fault)
        return replies.CHUNK_OK.format(octets=chunk.octets)

    async def commit(self) -> str:
        """Store what came; the reply to it. Raises DatabaseAway, DatabaseFull, QueueFull, NotStored."""
        assert self._content is not None  # noqa: S101  # the caller received it
        self._content.close()
        if self._content.fault:
            return self._refuse(self._content.fault)
        arrival = await self._connection.deadlines.working(
            make_incoming(
                self._service.parsers,
                reverse_path=self._reverse_path,
                deliveries=self._deliveries,
                trace=self._trace,
                content=self._content.take(),
            )
        )
        outcome = await self._connection.deadlines.working(self._service.committer.commit(arrival))
        if outcome.live == 0:
            self._log.info("message_refused", reason="mailbox_gone")
            return replies.NO_SUCH_MAILBOX
        self._connection.messages += 1
        self._log.info(
            "message_stored",
            message=str(self._deliveries[0].id),
            recipients=outcome.live,
            stored=outcome.stored,
            octets=arrival.octets,
        )
        return replies.COMMITTED

    def _refuse(self, fault: Fault) -> str:
        self._log.info("message_refused", reason=fault)
        return reply_tables.FOR_FAULT[fault].format(settings=self._service.settings)
