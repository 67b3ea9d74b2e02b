"""One open stream: the events of a mailbox, from a cursor on, until the reader disconnects or the mailbox is gone.

An idle stream is one suspended coroutine, which waits for the reader to disconnect, and one small object. It has no
task, no timer and no frame of the framework: those end when the response head is sent. A task writes while there is
something to send.
"""

import asyncio

import structlog
from litestar.types import Receive, Scope, Send

from fake_email.errors import DatabaseAway, MailboxNotFound
from fake_email.postgres.notifications import Gone, Grown, MessageChange, Notification
from fake_email.storage.message_list import Cursor, rewind
from http_api.live import sse
from http_api.live.call_shares import PIECE_OCTETS
from http_api.live.fair_shares import Share
from http_api.live.pending_events import PendingEvents
from http_api.live.shared_reads import Page
from http_api.live.streams import Streams
from http_api.protocol.client_address import Client
from http_api.protocol.errors import Overloaded

log = structlog.get_logger()

STATE_KEY = "event_stream"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # A proxy that compresses an event waits for more: nothing may transform it (RFC 9111 §5.2.2.6).
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_BEGINNING = sse.retry(1_000)
_RETRY_SECONDS = 0.5
_DISCONNECT_SECONDS = 0.2


class EventStream:
    """The response of a stream call; `read_seq` is the mailbox's newest seq when the stream last reached its end."""

    __slots__ = (
        "_address",
        "_client",
        "_cursor",
        "_group",
        "_has_news",
        "_is_comment_due",
        "_is_over",
        "_is_writing",
        "_mailbox_id",
        "_pending",
        "_reads_before",
        "_send",
        "_sending_since",
        "_share",
        "_streams",
        "_task",
        "_token_sha256",
        "read_seq",
        "was_revoked",
    )

    def __init__(
        self,
        streams: Streams,
        mailbox_id: int,
        *,
        client: Client,
        address: str,
        token_sha256: bytes | None,
        cursor: Cursor,
    ) -> None:
        self._streams = streams
        self._client = client
        self._mailbox_id = mailbox_id
        self._address = address
        self._token_sha256 = token_sha256
        self._cursor = cursor
        self._send: Send | None = None
        self._is_over = False
        self._has_news = False
        self._is_writing = False
        self._is_comment_due = False
        self._sending_since: float | None = None
        self._reads_before = 0
        self._pending: PendingEvents | None = None
        self._share: Share | None = None
        self._task: asyncio.Task[None] | None = None
        self._group = streams.next_group()
        self.was_revoked = False
        self.read_seq = 0

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the head, and leave the stream in the scope for `detaching` to open. Raises TooManyStreams."""
        self._streams.stream_slots.take(self._client, self._mailbox_id)
        scope["state"][STATE_KEY] = self
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
        await send({"type": "http.response.body", "body": _BEGINNING, "more_body": True})

    def open(self, send: Send) -> None:
        """Send the messages that are there, and each change from now on, until `close`."""
        self._send = send
        self._task = asyncio.current_task()
        self._group.add(self)
        self._streams.waiters.add(self._mailbox_id, self)
        self.wake()

    def close(self) -> None:
        """Send nothing more: the reader has disconnected."""
        self._is_over = True
        self._streams.waiters.remove(self._mailbox_id, self)
        self._group.discard(self)
        self.release_slot()
        self._log_if_stalled()

    def release_slot(self) -> None:
        """Release the slot of a stream that was never opened."""
        self._streams.stream_slots.release(self._client, self._mailbox_id)

    def wake(self) -> None:
        self._has_news = True
        self._reads_before = self._streams.shared_reads.begun
        self._write()

    def notified(self, notification: Notification) -> None:
        match notification:
            case Grown(seq=seq):
                if self.read_seq < seq:
                    self.wake()
            case Gone():
                self.wake()
            case _:
                self._change(notification)

    def comment(self) -> None:
        """Show the reader that the stream is alive."""
        self._is_comment_due = True
        self._write()

    def _change(self, change: MessageChange) -> None:
        is_sent = change.seq <= max(self._cursor.seq, self.read_seq)
        # A stream that is not writing reads the table later, and finds the change there.
        if not self._is_over and (is_sent or self._is_writing):
            self._pending = self._pending or PendingEvents()
            self._pending.add(change, is_sent=is_sent)
            self._write()

    def _write(self) -> None:
        # A task that is still writing sends this too, once its slow reader has taken the rest.
        if not self._is_writing and not self._is_over:
            self._is_writing = True
            self._streams.tasks.create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            if not self._has_news and not self._pending:
                await self._write_comment()
            while (self._has_news or self._pending) and not self._is_over:
                await self._write_pending()
                if self._has_news and not self._is_over:
                    self._has_news = False
                    await self._write_news()
                elif self._pending and not self._pending.changes:
                    self._pending = None
        except Exception:  # the edge: the reader comes back, and the other streams stay open
            log.exception("stream_failed")
            await self._end()
        finally:
            self._is_writing = False
            if self._is_over:
                self._pending = None

    async def _write_pending(self) -> None:
        if self._pending and self._pending.are_too_many:
            log.warning("stream_cut", mailbox=self._mailbox_id, reason="too many changes untold")
            await self._end()
        while self._pending and self._pending.changes and not self._is_over:
            await self._send_octets(self._pending.take())

    async def _write_news(self) -> None:
        if self._streams.waiters.is_stopping:
            await self._end()
            return
        try:
            page = await self._read()
            if page.octets > PIECE_OCTETS:
                page = await self._hold(page)
        except MailboxNotFound:
            await self._end(sse.event("gone", {"temp_email_addr": self._address}))
        except (DatabaseAway, Overloaded):
            self._has_news = True
            if self._is_comment_due:
                await self._write_comment()
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            await self._write_page(page)
        finally:
            if self._share:
                self._share.release()
                self._share = None

    async def _read(self) -> Page:
        return await self._streams.shared_reads.page(
            self._cursor, address=self._address, token_sha256=self._token_sha256, after=self._reads_before
        )

    async def _hold(self, page: Page) -> Page:
        """The page, for which the stream then holds memory; read again if the stream had to wait for that."""
        octets = page.octets
        self._share = self._streams.answer_octets.take_now(self._client, octets)
        if self._share is None:
            del page
            self._share = await self._streams.answer_octets.take(self._client, octets)
            page = await self._read()
        self._share.when_revoked = self._revoke
        self._streams.answer_octets.allow_revoking(self._share)
        return page

    def _revoke(self) -> None:
        """End the stream: its reader takes nothing of a page while others wait for memory."""
        self.was_revoked = True
        self._is_over = True
        if self._task:
            self._task.cancel()

    async def _write_page(self, page: Page) -> None:
        for event in page.events:
            if self._is_over:
                return
            is_hidden = self._pending and event.seq in self._pending.hidden
            self._cursor = Cursor(seq=event.seq)
            if not is_hidden:
                await self._send_octets(event.octets)
                if self._pending:
                    self._pending.sent(event.seq)
            await self._write_pending()
        if page.is_last:
            self._cursor = rewind(self._cursor, before=self.read_seq, last_seq=page.last_seq)
            self.read_seq = page.last_seq
        else:
            self._has_news = True

    async def _write_comment(self) -> None:
        self._is_comment_due = False
        await self._send_octets(sse.COMMENT)

    async def _end(self, octets: bytes = b"") -> None:
        """End the response; Granian then reports that the reader has disconnected, and `close` follows."""
        self._is_over = True
        await self._send_octets(octets, is_last=True)

    async def _send_octets(self, octets: bytes, *, is_last: bool = False) -> None:
        if self._send is None:
            return
        for start in range(0, len(octets) or 1, PIECE_OCTETS):
            piece = octets[start : start + PIECE_OCTETS]
            more = not is_last or start + PIECE_OCTETS < len(octets)
            self._sending_since = asyncio.get_running_loop().time()
            if self._share:
                self._share.stalled_since = self._sending_since
            try:
                await self._send({"type": "http.response.body", "body": piece, "more_body": more})
            except RuntimeError:
                self._is_over = True  # Granian raises it when the response is over
            if self._seconds_stalled() > self._streams.stall_seconds / 4:
                # The send also ends when the reader was cut off; then `close` follows a moment later.
                await asyncio.sleep(_DISCONNECT_SECONDS)
            if self._is_over and not is_last:
                break
            self._sending_since = None
            if self._share:
                self._share.stalled_since = None

    def _log_if_stalled(self) -> None:
        """Log a reader that the kernel cut off; its stall is shorter than the time-out, since buffers fill first."""
        seconds = self._seconds_stalled()
        if self.was_revoked or seconds > self._streams.stall_seconds / 4:
            log.warning("stream_cut", mailbox=self._mailbox_id, reason="nothing taken", seconds=round(seconds, 1))

    def _seconds_stalled(self) -> float:
        return 0 if self._sending_since is None else asyncio.get_running_loop().time() - self._sending_since
