"""Which addresses have a live mailbox: asked for many RCPT at once."""

from collections.abc import Sequence

from fake_email.batching import Batcher
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database
from fake_email.settings import Settings
from fake_email.storage import mailboxes, role_mailboxes
from fake_email.storage.mailboxes import Recipient


class Recipients:
    """Answers RCPT from the table of mailboxes."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._operators = frozenset(role_mailboxes.addresses(settings.domain))
        self._gatherer = Batcher(self._find, batch_items=500, batch_weight=500, queue_items=10_000, queue_weight=10_000)
        self.run = self._gatherer.run

    async def find(self, address: str) -> Recipient | None:
        """The live mailbox of `address`; raises DatabaseAway, DatabaseFull and QueueFull."""
        return await self._gatherer.submit(address, 1)

    def is_operators(self, recipient: Recipient) -> bool:
        """Whether it is an operator's mailbox: never full, its oldest messages go instead."""
        return recipient.address in self._operators

    def is_full(self, recipient: Recipient, octets: int) -> bool:
        """Whether a message of that size, 0 when it is not known, is one too many."""
        return not self.is_operators(recipient) and (
            recipient.message_count >= self._settings.mailbox_quota_messages
            or recipient.stored_octets >= self._settings.mailbox_quota_octets
            or recipient.stored_octets + octets > self._settings.mailbox_quota_octets
        )

    async def _find(self, addresses: Sequence[str]) -> Sequence[Recipient | None]:
        found = await self._database.run(lambda connection: self._find_or_make(connection, addresses))
        return [found.get(address) for address in addresses]

    async def _find_or_make(self, connection: Connection, addresses: Sequence[str]) -> dict[str, Recipient]:
        found = await mailboxes.find_recipients(connection, addresses)
        if self._operators.intersection(addresses) - found.keys():
            await role_mailboxes.create(connection, self._settings.domain)
            found = await mailboxes.find_recipients(connection, addresses)
        return found
