"""The open streams and waiting calls of a worker process, woken by notifications."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import Gone, Grown, Notification
from fake_email.storage import watched_mailboxes


class Waiter(Protocol):
    """An open stream or a waiting call at one mailbox; `read_seq` is the newest seq that it has read."""

    read_seq: int

    def wake(self) -> None:
        """Read the table."""

    def notified(self, notification: Notification) -> None:
        """Hear of a change of the mailbox."""


class Waiters:
    """The waiters of one worker process; they share one database connection, which listens."""

    def __init__(self) -> None:
        self._waiters: dict[int, set[Waiter]] = {}
        self.awaited = asyncio.Event()  # set while there is a waiter
        self.is_listening = False
        self.is_stopping = False

    @property
    def mailbox_ids(self) -> list[int]:
        """The mailboxes that have a waiter."""
        return list(self._waiters)

    @contextmanager
    def watch(self, mailbox_id: int, waiter: Waiter) -> Iterator[None]:
        """Tell `waiter` of each change that is committed to the mailbox during the block."""
        self.add(mailbox_id, waiter)
        try:
            yield
        finally:
            self.remove(mailbox_id, waiter)

    def add(self, mailbox_id: int, waiter: Waiter) -> None:
        """Do the same until `remove`: the frames of a `with` would double the memory of an idle stream."""
        self._waiters.setdefault(mailbox_id, set()).add(waiter)
        self.awaited.set()

    def remove(self, mailbox_id: int, waiter: Waiter) -> None:
        waiters = self._waiters[mailbox_id]
        waiters.discard(waiter)
        if not waiters:
            del self._waiters[mailbox_id]
            if not self._waiters:
                self.awaited.clear()

    def notified(self, notification: Notification) -> None:
        """Pass a notification on to the waiters of its mailbox."""
        for waiter in self._waiters.get(notification.mailbox_id, ()):
            waiter.notified(notification)

    async def connected(self, connection: Connection) -> None:
        """Wake every waiter that is ahead of the table or behind it: a change before the LISTEN was not heard.

        A waiter is ahead after a failover to a replica that lacks the newest mail.
        """
        newest = await watched_mailboxes.newest_seqs(connection, self.mailbox_ids)
        for mailbox_id, waiters in self._waiters.items():
            for waiter in waiters:
                # None where the mailbox is gone, or the waiter came after the query: both read the table.
                if waiter.read_seq != newest.get(mailbox_id):
                    waiter.wake()
        self.is_listening = True

    def lost(self) -> None:
        """Note that no notification comes at the moment."""
        self.is_listening = False

    def stop(self) -> None:
        """Wake every waiter for the last time: the process stops."""
        self.is_stopping = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.wake()


class WaitingCall:
    """A waiter that awaits the next change which can bring a message or end the mailbox."""

    def __init__(self) -> None:
        # No message has this seq, so each later one is news.
        self.read_seq = -1
        self._is_woken = asyncio.Event()

    def wake(self) -> None:
        self._is_woken.set()

    def notified(self, notification: Notification) -> None:
        if isinstance(notification, Grown | Gone):
            self.wake()

    def reset(self) -> None:
        """Forget earlier changes; call it before each look in the table."""
        self._is_woken.clear()

    async def woken_within(self, seconds: float) -> bool:
        """Wait for a change; False when there was none within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._is_woken.wait()
        except TimeoutError:
            return False
        return True
