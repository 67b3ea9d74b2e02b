"""One open stream: the events of some mailboxes, from cursors on, until the reader disconnects or the last is gone.

An idle stream is one suspended coroutine, which waits for the reader to disconnect, one small object, and another for
each mailbox. It has no task and no frame of the framework: those end when the response head is sent. A task writes
while there is something to send.
"""

import asyncio
import time
from collections.abc import Sequence

import structlog
from litestar.types import Send

from fake_email.errors import DatabaseAway, MailboxNotFound
from fake_email.storage.message_list import Cursor
from http_api.live import feed_page, sse
from http_api.live.attempt_feed import AttemptFeed
from http_api.live.client_database import ClientDatabase
from http_api.live.event_names import EventNames
from http_api.live.feed import Feed
from http_api.live.shared_reads import Page
from http_api.live.stream_output import StreamOutput
from http_api.live.streams import Streams
from http_api.protocol.client_address import Client
from http_api.protocol.errors import Overloaded

log = structlog.get_logger()

_RETRY_SECONDS = 0.5


class EventStream:
    """Reads a mailbox for each feed, in turns, and sends what it finds.

    With a ticket, which ends after `ticket_seconds` and the stream with it, each event names its mailbox, and its id
    is the position in all mailboxes.
    """

    __slots__ = (
        "_client",
        "_feeds",
        "_group",
        "_is_comment_due",
        "_is_expired",
        "_names",
        "_output",
        "_streams",
        "_task",
        "_ticket",
        "_waiting",
        "is_writing",
        "was_revoked",
    )

    def __init__(
        self, streams: Streams, feeds: Sequence[Feed], *, client: Client, ticket_seconds: float | None = None
    ) -> None:
        self._streams = streams
        self._client = client
        self._feeds = tuple(feeds)
        self._names = None if ticket_seconds is None else EventNames(feeds)
        self._ticket: float | asyncio.TimerHandle | None = ticket_seconds
        self._is_expired = False
        # The feeds that have something to send, in the order in which they got it.
        self._waiting: dict[Feed, None] = {}
        self._is_comment_due = False
        self._output = StreamOutput(stall_seconds=streams.stall_seconds)
        self._task: asyncio.Task[None] | None = None
        self._group = streams.next_group()
        self.is_writing = False
        self.was_revoked = False

    @property
    def is_over(self) -> bool:
        """True once nothing more is sent."""
        return self._output.is_over

    @property
    def reads_begun(self) -> int:
        return self._streams.shared_reads.begun

    @property
    def position(self) -> str:
        """The id of an event after all that was sent."""
        return self._names.position if self._names else str(self._feeds[0].cursor.seq)

    def take_slot(self) -> None:
        """Count as a stream of the client from now on, until `close`. Raises TooManyStreams."""
        self._streams.stream_slots.take(self._client, [feed.mailbox_id for feed in self._feeds])

    def open(self, send: Send) -> None:
        """Send the messages that are there, and each change from now on, until `close`."""
        self._output.send = send
        self._task = asyncio.current_task()
        self._group.add(self)
        if isinstance(self._ticket, float):
            self._ticket = asyncio.get_running_loop().call_later(self._ticket, self._expire)
        for feed in self._feeds:
            self._streams.waiters.add(feed.mailbox_id, feed)
            feed.open(self)

    def close(self) -> None:
        """Send nothing more: the reader has disconnected."""
        self._output.is_over = True
        if isinstance(self._ticket, asyncio.TimerHandle):
            self._ticket.cancel()
        for feed in self._feeds:
            if not feed.is_gone:
                self._streams.waiters.remove(feed.mailbox_id, feed)
        self._group.discard(self)
        self.release_slot()
        if self.was_revoked or self._output.is_stalled:
            seconds = round(self._output.stalled_seconds, 1)
            log.warning("stream_cut", mailbox=self._feeds[0].mailbox_id, reason="nothing taken", seconds=seconds)

    def release_slot(self) -> None:
        """Release the slot of a stream that was never opened."""
        self._streams.stream_slots.release(self._client, [feed.mailbox_id for feed in self._feeds])

    def write(self, feed: Feed) -> None:
        """Send what the feed has to send, after what other feeds had before."""
        self._waiting.setdefault(feed)
        self._write()

    def comment(self) -> None:
        """Show the reader that the stream is alive."""
        self._is_comment_due = True
        self._write()

    def _expire(self) -> None:
        self._is_expired = True
        self._write()

    def _write(self) -> None:
        # A task that is still writing sends this too, once its slow reader has taken the rest.
        if not self.is_writing and not self.is_over:
            self.is_writing = True
            self._streams.tasks.create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            if not self._waiting and not self._is_expired:
                await self._write_comment()
            while self._waiting and not self.is_over and not self._is_expired:
                feed = next(iter(self._waiting))
                del self._waiting[feed]
                await self._write_feed(feed)
            if self._is_expired and not self.is_over:
                await self._output.end(sse.event("expired", {}))
        except Exception:  # the edge: the reader comes back, and the other streams stay open
            log.exception("stream_failed")
            await self._output.end()
        finally:
            self.is_writing = False
            if self.is_over:
                for feed in self._feeds:
                    feed.pending = None

    async def _write_feed(self, feed: Feed) -> None:
        """Send the pending events, then one page of news; the rest waits for the next turn of the feed."""
        await self._write_pending(feed)
        if isinstance(feed, AttemptFeed) and not self.is_over:
            await self._write_attempts(feed)
        if feed.has_news and not self.is_over:
            feed.has_news = False
            await self._write_news(feed)
        elif feed.pending and not feed.pending.changes:
            feed.pending = None
        if feed.has_work:
            self._waiting[feed] = None

    async def _write_pending(self, feed: Feed) -> None:
        if feed.pending and feed.pending.are_too_many:
            log.warning("stream_cut", mailbox=feed.mailbox_id, reason="too many changes untold")
            await self._output.end()
        while feed.pending and feed.pending.changes and not self.is_over:
            await self._output.write(self._named(feed, feed.pending.take()))

    async def _write_attempts(self, feed: AttemptFeed) -> None:
        shares = self._streams.shares
        try:
            events = await feed.take_attempts(
                ClientDatabase(self._streams.database, shares.database_connections, self._client)
            )
        except (DatabaseAway, Overloaded):
            await asyncio.sleep(_RETRY_SECONDS)
            return
        for event in events:
            await self._output.write(self._named(feed, event))

    async def _write_news(self, feed: Feed) -> None:
        if self._streams.waiters.is_stopping:
            await self._output.end()
            return
        try:
            page = await feed_page.read(
                self._streams, feed, client=self._client, output=self._output, when_revoked=self._revoke
            )
        except MailboxNotFound:
            await self._write_gone(feed)
        except (DatabaseAway, Overloaded):
            feed.has_news = True
            if self._is_comment_due:
                await self._write_comment()
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            await self._write_page(feed, page)
        finally:
            self._output.release_share()

    def _revoke(self) -> None:
        """End the stream: its reader takes nothing of a page while others wait for memory."""
        self.was_revoked = True
        self._output.is_over = True
        if self._task:
            self._task.cancel()

    async def _write_page(self, feed: Feed, page: Page) -> None:
        for event in page.events:
            if self.is_over:
                return
            is_hidden = feed.pending and event.seq in feed.pending.hidden
            feed.cursor = Cursor(seq=event.seq)
            if not is_hidden:
                await self._output.write(self._named(feed, event.octets, has_id=True))
                if feed.is_caught_up:
                    self._streams.delivery_seconds.observe(max(time.time() - event.received_at, 0.0))
                if feed.pending:
                    feed.pending.sent(event.seq)
            await self._write_pending(feed)
        feed.passed(page)

    async def _write_gone(self, feed: Feed) -> None:
        """Tell that the mailbox is gone; the last of them ends the stream."""
        feed.end()
        self._streams.waiters.remove(feed.mailbox_id, feed)
        gone = sse.event("gone", {"temp_email_addr": feed.address})
        if all(each.is_gone for each in self._feeds):
            await self._output.end(gone)
        else:
            await self._output.write(gone)

    def _named(self, feed: Feed, octets: bytes, *, has_id: bool = False) -> bytes:
        """The event as a reader of several mailboxes gets it."""
        return self._names.named(feed, octets, has_id=has_id) if self._names else octets

    async def _write_comment(self) -> None:
        self._is_comment_due = False
        await self._output.write(sse.COMMENT)
