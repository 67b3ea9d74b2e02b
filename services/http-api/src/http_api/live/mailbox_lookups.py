"""Mailboxes by address: one query for all the calls that ask at the same time."""

from collections.abc import Sequence

from fake_email.batching import Batcher
from fake_email.errors import MailboxNotFound
from fake_email.postgres.lane import Lane
from fake_email.postgres.pool import Database
from fake_email.storage import mailboxes
from fake_email.storage.mailboxes import MailboxState, may_read

_BATCH_ADDRESSES = 500
# As many as the calls that Granian lets in.
_QUEUE_ADDRESSES = 20_000


class MailboxLookups:
    """Looks mailboxes up while `run` runs; addresses that come during one query are all in the next."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batcher = Batcher(self._find, batch_items=_BATCH_ADDRESSES, queue_items=_QUEUE_ADDRESSES)
        self._lane: Lane | None = None

    async def run(self) -> None:
        """Look mailboxes up until cancelled."""
        async with self._database.lane() as self._lane:
            await self._batcher.run()

    async def fetch(self, address: str, token_sha256: bytes | None) -> MailboxState:
        """The live mailbox of `address`; raises MailboxNotFound as mailboxes.fetch does, DatabaseAway and QueueFull."""
        found = await self._batcher.submit(address)
        if found is None or not may_read(found.token_sha256, token_sha256):
            raise MailboxNotFound
        return found

    async def _find(self, addresses: Sequence[str]) -> Sequence[MailboxState | None]:
        found = await self._database.run(
            lambda connection: mailboxes.fetch_many(connection, addresses), lane=self._lane
        )
        return [found.get(address) for address in addresses]
