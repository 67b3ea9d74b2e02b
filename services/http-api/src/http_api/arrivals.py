"""Who waits for mail in this process, woken by what LISTEN tells."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from fake_email import mailboxes
from fake_email.database import Connection


class Watch:
    """One waiter at one mailbox; `seen` is the newest seq it has read."""

    def __init__(self) -> None:
        self.seen = 0
        self._grown = asyncio.Event()

    def wake(self) -> None:
        self._grown.set()

    def rest(self) -> None:
        """What wakes from here on is news; to be called before looking in the table."""
        self._grown.clear()

    async def grown(self, seconds: float) -> bool:
        """Whether the waiter was woken within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._grown.wait()
        except TimeoutError:
            return False
        return True


class Arrivals:
    """The waiters of one worker process; it costs one database connection, however many there are."""

    def __init__(self) -> None:
        self._watches: dict[int, set[Watch]] = {}
        self.is_listening = False
        self.has_ended = False

    @contextmanager
    def watch(self, mailbox_id: int) -> Iterator[Watch]:
        """A Watch that is woken when the mailbox grows; it misses nothing that is committed after this."""
        watch = Watch()
        watches = self._watches.setdefault(mailbox_id, set())
        watches.add(watch)
        try:
            yield watch
        finally:
            watches.discard(watch)
            if not watches:
                self._watches.pop(mailbox_id, None)

    def grown(self, mailbox_id: int, seq: int) -> None:
        """The mailbox has a message `seq`."""
        for watch in self._watches.get(mailbox_id, ()):
            if watch.seen < seq:
                watch.wake()

    async def look(self, connection: Connection) -> None:
        """Wake who is behind the table; after LISTEN, since what was committed before it was not heard."""
        newest = await mailboxes.newest(connection, list(self._watches))
        for mailbox_id, watches in self._watches.items():
            for watch in watches:
                if watch.seen < newest.get(mailbox_id, watch.seen + 1):
                    watch.wake()
        self.is_listening = True

    def lost(self) -> None:
        """Nothing is heard at the moment."""
        self.is_listening = False

    def end(self) -> None:
        """Wake everybody for the last time: the process stops."""
        self.has_ended = True
        for watches in self._watches.values():
            for watch in watches:
                watch.wake()
