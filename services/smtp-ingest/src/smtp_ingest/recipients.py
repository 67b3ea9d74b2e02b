"""The live mailbox of each recipient; one query looks up the addresses of many RCPT commands."""

import asyncio
from collections.abc import Sequence

from fake_email.batching import Batcher
from fake_email.postgres.connection import Connection
from fake_email.postgres.lane import Lane
from fake_email.postgres.pool import Database
from fake_email.settings import Settings
from fake_email.storage import recipients, role_mailboxes
from fake_email.storage.recipients import Recipient
from smtp_ingest.recent_recipients import RecentRecipients


class Recipients:
    """Looks up recipients in the table of mailboxes."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._role_addresses = frozenset(role_mailboxes.addresses(settings.domain))
        self._recent = RecentRecipients()
        self._batcher = Batcher(self._find_batch, batch_items=500, queue_items=10_000)
        self._lane: Lane | None = None

    async def run(self) -> None:
        """Look up recipients until cancelled."""
        async with self._database.lane() as self._lane:
            await self._batcher.run()

    async def find(self, address: str, octets: int) -> Recipient | None:
        """The live mailbox of `address`, which is for a message of that size; 0 means an unknown size.

        Without a wait when the mailbox was found a moment ago and had space, unless the database is known to be away.
        Raises DatabaseAway, DatabaseFull and QueueFull.
        """
        recent = self._recent.get(address, asyncio.get_running_loop().time())
        if recent is not None and not self._database.is_away and not self.is_full(recent, octets):
            return recent
        return await self._batcher.submit(address)

    def count(self, address: str, octets: int) -> None:
        """Count a message of that size that was stored in the mailbox of `address`, so that RCPT sees a full one."""
        self._recent.count(address, octets)

    def is_role_mailbox(self, recipient: Recipient) -> bool:
        """True for the operator's mailboxes, which are never full: their oldest messages are dropped instead."""
        return self.is_role_address(recipient.address)

    def is_role_address(self, address: str) -> bool:
        """True for the addresses of the operator's mailboxes, whether they exist yet or not."""
        return address in self._role_addresses

    def is_full(self, recipient: Recipient, octets: int) -> bool:
        """True when the mailbox's quota has no space for a message of that size; 0 means an unknown size."""
        return not self.is_role_mailbox(recipient) and (
            recipient.message_count >= self._settings.mailbox_quota_messages
            or recipient.stored_octets >= self._settings.mailbox_quota_octets
            or recipient.stored_octets + octets > self._settings.mailbox_quota_octets
        )

    async def _find_batch(self, addresses: Sequence[str]) -> Sequence[Recipient | None]:
        began_at = asyncio.get_running_loop().time()
        found = await self._database.run(
            lambda connection: self._find_or_create(connection, addresses), lane=self._lane
        )
        self._recent.add(found.values(), began_at)
        return [found.get(address) for address in addresses]

    async def _find_or_create(self, connection: Connection, addresses: Sequence[str]) -> dict[str, Recipient]:
        found = await recipients.find(connection, addresses)
        if self._role_addresses.intersection(addresses) - found.keys():
            await role_mailboxes.create(connection, self._settings.domain)
            found = await recipients.find(connection, addresses)
        return found
