"""The totals of all messages, counted for many calls at once, and seldom: counting reads an index of all messages."""

import asyncio
from collections.abc import Sequence

from fake_email.batching import Batcher
from fake_email.errors import ServiceError
from fake_email.postgres.pool import Database
from fake_email.storage import message_totals
from fake_email.storage.message_totals import MessageTotals

# A process counts for a twentieth of the time at most, however long a count takes.
LEAST_SECONDS = 10.0
_PAUSE_FACTOR = 20
_ANSWER_SECONDS = 5.0
# As many as the calls that Granian lets in.
_QUEUE_CALLS = 20_000


class MessageCount:
    """Counts the messages while `run` runs; a call gets the last totals until the next count is due."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batcher: Batcher[None, MessageTotals] = Batcher(
            self._count, batch_items=_QUEUE_CALLS, queue_items=_QUEUE_CALLS
        )
        self.run = self._batcher.run
        self._last: MessageTotals | ServiceError | None = None
        self._is_due_at = 0.0

    async def fetch(self) -> MessageTotals:
        """The totals, of LEAST_SECONDS ago or later unless counting takes long; raises DatabaseAway and QueueFull.

        A count that failed is repeated only when the next one is due.
        """
        return await self._batcher.submit(None)

    async def _count(self, calls: Sequence[None]) -> Sequence[MessageTotals | ServiceError]:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        if self._last is None or began_at >= self._is_due_at:
            try:
                self._last = await self._database.run(message_totals.fetch, answer_seconds=_ANSWER_SECONDS)
            except ServiceError as error:
                self._last = error
            ended_at = loop.time()
            self._is_due_at = ended_at + max(LEAST_SECONDS, _PAUSE_FACTOR * (ended_at - began_at))
        return [self._last] * len(calls)
