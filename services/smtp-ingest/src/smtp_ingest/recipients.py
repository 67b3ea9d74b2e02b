"""Which addresses have a live mailbox: asked for many RCPT at once."""

from collections.abc import Sequence

from fake_email import mailboxes
from fake_email.database import Database
from fake_email.mailboxes import Recipient
from fake_email.settings import Settings
from smtp_ingest.gather import Gatherer


class Recipients:
    """Answers RCPT from the table of mailboxes."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._quota_messages = settings.mailbox_quota_messages
        self._quota_octets = settings.mailbox_quota_octets
        self._gatherer = Gatherer(
            self._find, batch_items=500, batch_weight=500, queue_items=10_000, queue_weight=10_000
        )
        self.run = self._gatherer.run

    async def find(self, address: str) -> Recipient | None:
        """The live mailbox of `address`; raises DatabaseAway and QueueFull."""
        return await self._gatherer.submit(address, 1)

    async def _find(self, addresses: Sequence[str]) -> Sequence[Recipient | None]:
        found = await self._database.run(
            lambda connection: mailboxes.find_recipients(
                connection,
                addresses=addresses,
                quota_messages=self._quota_messages,
                quota_octets=self._quota_octets,
            )
        )
        return [found.get(address) for address in addresses]
