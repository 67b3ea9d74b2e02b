"""The position of an open stream in one of its mailboxes, and what it has not sent of that mailbox yet."""

from typing import Protocol

from fake_email.postgres.notifications import Attempted, Gone, Grown, MessageChange, Notification
from fake_email.storage.message_list import Cursor, rewind
from http_api.live.pending_events import PendingEvents
from http_api.live.shared_reads import Page


class Writer(Protocol):
    """The stream of a feed."""

    is_writing: bool

    @property
    def is_over(self) -> bool: ...

    @property
    def reads_begun(self) -> int:
        """The number of shared reads that have begun in the process."""

    def write(self, feed: "Feed") -> None:
        """Send what the feed has to send."""


class Feed:
    """A waiter at one mailbox; `read_seq` is the mailbox's newest seq when the feed last reached its end."""

    __slots__ = (
        "_writer",
        "address",
        "cursor",
        "has_news",
        "is_caught_up",
        "is_gone",
        "mailbox_id",
        "pending",
        "read_seq",
        "reads_before",
        "token_sha256",
    )

    def __init__(self, mailbox_id: int, *, address: str, token_sha256: bytes | None, cursor: Cursor) -> None:
        self.mailbox_id = mailbox_id
        self.address = address
        self.token_sha256 = token_sha256
        self.cursor = cursor
        self.read_seq = 0
        self.has_news = False
        # True once the feed has reached the end of its mailbox: what follows is sent as it arrives.
        self.is_caught_up = False
        self.is_gone = False
        self.reads_before = 0
        self.pending: PendingEvents | None = None
        self._writer: Writer | None = None

    @property
    def has_work(self) -> bool:
        return self.has_news or self.pending is not None

    def open(self, writer: Writer) -> None:
        """Read the mailbox, and from now on hear of each change, for this stream."""
        self._writer = writer
        self.wake()

    def end(self) -> None:
        """Have nothing more to send: the mailbox is gone, also if it was woken once more while it was read."""
        self.is_gone = True
        self.has_news = False
        self.pending = None

    def wake(self) -> None:
        if self._writer:
            self.has_news = True
            self.reads_before = self._writer.reads_begun
            self._writer.write(self)

    def notified(self, notification: Notification) -> None:
        match notification:
            case Grown(seq=seq):
                if self.read_seq < seq:
                    self.wake()
            case Gone():
                self.wake()
            case Attempted():  # for AttemptFeed
                pass
            case _:
                self._change(notification)

    def passed(self, page: Page) -> None:
        """Go on after a page whose events were all sent."""
        if page.is_last:
            cursor = rewind(self.cursor, before=self.read_seq, last_seq=page.last_seq)
            # A cursor that was a time is a seq from here on, which the id of an event can name.
            self.cursor = cursor if cursor.seq >= page.last_seq else Cursor(seq=page.last_seq)
            self.read_seq = page.last_seq
            self.is_caught_up = True
        else:
            self.has_news = True

    def _change(self, change: MessageChange) -> None:
        is_sent = change.seq <= max(self.cursor.seq, self.read_seq)
        # A stream that is not writing reads the table later, and finds the change there.
        if self._writer and not self._writer.is_over and (is_sent or self._writer.is_writing):
            self.pending = self.pending or PendingEvents()
            self.pending.add(change, is_sent=is_sent)
            self._writer.write(self)
