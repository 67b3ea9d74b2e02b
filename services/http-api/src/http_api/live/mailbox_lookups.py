"""Which mailbox has this address, and how far it has come: asked for many polls at once."""

from collections.abc import Sequence

from fake_email.batching import Batcher
from fake_email.errors import MailboxNotFound
from fake_email.postgres.pool import Database
from fake_email.storage import mailboxes
from fake_email.storage.mailboxes import MailboxState, may_read

_AT_ONCE = 500
# As many calls as Granian lets in.
_WAITING = 20_000


class MailboxLookups:
    """Answers from the table of mailboxes, while `run` does; what is asked meanwhile goes in one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gatherer = Batcher(
            self._find, batch_items=_AT_ONCE, batch_weight=_AT_ONCE, queue_items=_WAITING, queue_weight=_WAITING
        )
        self.run = self._gatherer.run

    async def fetch(self, address: str, token_sha256: bytes | None) -> MailboxState:
        """The live mailbox of `address`; raises MailboxNotFound as mailboxes.fetch does, DatabaseAway and QueueFull."""
        found = await self._gatherer.submit(address, 1)
        if found is None or not may_read(found.token_sha256, token_sha256):
            raise MailboxNotFound
        return found

    async def _find(self, addresses: Sequence[str]) -> Sequence[MailboxState | None]:
        found = await self._database.run(lambda connection: mailboxes.fetch_many(connection, addresses))
        return [found.get(address) for address in addresses]
