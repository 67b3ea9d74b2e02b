"""Which of the mailboxes that somebody waits at have come to their end, by the database's clock and nobody else's."""

import asyncio

from fake_email.errors import DatabaseAway
from fake_email.postgres.pool import Database
from fake_email.storage import mailboxes
from http_api.live.waiters import Waiters

_TURN_SECONDS = 0.5
# An expiry can be moved to be earlier, and nobody tells; so all are asked about now and then.
_ASK_AGAIN_SECONDS = 5.0
# Asked too early by a hair, the database would say that there is a hair left.
_MARGIN_SECONDS = 0.05


class ExpiryWatch:
    """Wakes who waits at a mailbox within a second of its end; the database is asked once for all that may be due."""

    def __init__(self, database: Database, waiters: Waiters) -> None:
        self._database = database
        self._waiters = waiters
        # When to ask about each mailbox, in seconds of the event loop's clock, which nobody sets.
        self._ask_at: dict[int, float] = {}

    async def watch(self) -> None:
        """Look every now and then, until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_TURN_SECONDS)
            at = now()
            # Who came since the last turn is asked about now.
            self._ask_at = {each: self._ask_at.get(each, at) for each in self._waiters.watched}
            due = [each for each, ask_at in self._ask_at.items() if ask_at <= at]
            if due:
                await self._ask(due, at)

    async def _ask(self, due: list[int], at: float) -> None:
        try:
            left = await self._database.run(lambda connection: mailboxes.seconds_left(connection, due))
        except DatabaseAway:
            return
        for mailbox_id in due:
            seconds = left.get(mailbox_id)
            if seconds is None:
                self._waiters.gone(mailbox_id)
                seconds = _ASK_AGAIN_SECONDS
            self._ask_at[mailbox_id] = at + min(seconds + _MARGIN_SECONDS, _ASK_AGAIN_SECONDS)
