"""The expiry of mailboxes that somebody waits at, by the clock of the database alone."""

import asyncio

from fake_email.errors import DatabaseAway
from fake_email.postgres.notifications import Gone
from fake_email.postgres.pool import Database
from fake_email.storage import watched_mailboxes
from http_api.live.waiters import Waiters

_TICK_SECONDS = 0.5
# No notification tells that an expiry was moved to an earlier time, so every mailbox is queried this often.
_QUERY_SECONDS = 5.0
# Queried a moment too early, the database would say that a moment is left.
_MARGIN_SECONDS = 0.05


class ExpiryWatch:
    """Wakes the waiters of a mailbox within a second of its expiry; one query covers all mailboxes that are due."""

    def __init__(self, database: Database, waiters: Waiters) -> None:
        self._database = database
        self._waiters = waiters
        # When each mailbox is due, in seconds of the event loop's clock, which no change of the system time moves.
        self._due_at: dict[int, float] = {}

    async def run(self) -> None:
        """Query the mailboxes that are due at each tick, until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            at = now()
            # A mailbox that had no waiter at the last tick is due now.
            self._due_at = {each: self._due_at.get(each, at) for each in self._waiters.mailbox_ids}
            due = [each for each, due_at in self._due_at.items() if due_at <= at]
            if due:
                await self._query(due, at)

    async def _query(self, due: list[int], at: float) -> None:
        try:
            left = await self._database.run(lambda connection: watched_mailboxes.seconds_left(connection, due))
        except DatabaseAway:
            return
        for mailbox_id in due:
            seconds = left.get(mailbox_id)
            if seconds is None:
                self._waiters.notified(Gone(mailbox_id=mailbox_id))
                seconds = _QUERY_SECONDS
            self._due_at[mailbox_id] = at + min(seconds + _MARGIN_SECONDS, _QUERY_SECONDS)
