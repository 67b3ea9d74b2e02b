"""Who waits for mail in this process, woken by what LISTEN tells."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from fake_email.postgres.connection import Connection
from fake_email.storage import mailboxes


class Waiter(Protocol):
    """Somebody who waits at a mailbox; `seen` is the newest seq it has read."""

    seen: int

    def wake(self) -> None:
        """Have a look in the table."""

    def forget(self, seq: int, message_id: uuid.UUID) -> None:
        """This message was deleted."""


class Waiters:
    """The waiters of one worker process; they cost one database connection, however many there are."""

    def __init__(self) -> None:
        self._waiters: dict[int, set[Waiter]] = {}
        self.is_listening = False
        self.has_ended = False

    @property
    def watched(self) -> list[int]:
        """The ids of the mailboxes that somebody waits at."""
        return list(self._waiters)

    @contextmanager
    def watch(self, mailbox_id: int, waiter: Waiter) -> Iterator[None]:
        """Wake `waiter` for whatever is committed to the mailbox from here on, and when the mailbox is gone."""
        self.add(mailbox_id, waiter)
        try:
            yield
        finally:
            self.remove(mailbox_id, waiter)

    def add(self, mailbox_id: int, waiter: Waiter) -> None:
        """The same until `remove`; a block would cost each of many streams as much as all the rest that it keeps."""
        self._waiters.setdefault(mailbox_id, set()).add(waiter)

    def remove(self, mailbox_id: int, waiter: Waiter) -> None:
        waiters = self._waiters[mailbox_id]
        waiters.discard(waiter)
        if not waiters:
            del self._waiters[mailbox_id]

    def grown(self, mailbox_id: int, seq: int) -> None:
        """The mailbox has a message `seq`."""
        for waiter in self._waiters.get(mailbox_id, ()):
            if waiter.seen < seq:
                waiter.wake()

    def gone(self, mailbox_id: int) -> None:
        """The mailbox is said to be no more, or its time to be up; the table knows."""
        for waiter in self._waiters.get(mailbox_id, ()):
            waiter.wake()

    def deleted(self, mailbox_id: int, seq: int, message_id: uuid.UUID) -> None:
        """The mailbox has lost this message."""
        for waiter in self._waiters.get(mailbox_id, ()):
            waiter.forget(seq, message_id)

    async def look(self, connection: Connection) -> None:
        """Wake who is not where the table is; after LISTEN, since what was committed before it was not heard.

        A replica that took its primary's place may lack what somebody has seen: then the table is behind.
        """
        newest = await mailboxes.newest_seqs(connection, self.watched)
        for mailbox_id, waiters in self._waiters.items():
            for waiter in waiters:
                # Who came since, or whose mailbox is gone, looks for itself.
                if waiter.seen != newest.get(mailbox_id):
                    waiter.wake()
        self.is_listening = True

    def lost(self) -> None:
        """Nothing is heard at the moment."""
        self.is_listening = False

    def end(self) -> None:
        """Wake everybody for the last time: the process stops."""
        self.has_ended = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.wake()


class Wake:
    """A waiter that awaits, and looks whenever there may be something to see."""

    def __init__(self) -> None:
        self.seen = -1
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    def forget(self, seq: int, message_id: uuid.UUID) -> None:
        """Nothing: it has kept nothing."""

    def rest(self) -> None:
        """What wakes from here on is news; to be called before looking in the table."""
        self._woken.clear()

    async def within(self, seconds: float) -> bool:
        """Whether it was woken within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True
