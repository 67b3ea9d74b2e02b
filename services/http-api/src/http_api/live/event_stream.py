"""A mailbox as server-sent events (HTML Living Standard §9.2): what an open stream keeps, and what makes it speak.

An idle stream is one suspended coroutine that waits for the reader to leave, and one small object. It has no
task, no timer and no frame of the framework's: those end when the head of the response is sent, and a task is
there while there is something to say.
"""

import asyncio
import uuid

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from fake_email.errors import DatabaseAway, MailboxNotFound
from fake_email.postgres.pool import Database
from fake_email.storage.mailboxes import Mailbox
from fake_email.storage.message_list import Cursor, rewind
from http_api.live.shared_reads import SharedReads
from http_api.live.stream_slots import StreamSlots
from http_api.live.waiters import Waiters
from http_api.protocol.client_address import Client

log = structlog.get_logger()

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_FIRST = b"retry: 1000\n\n"
_COMMENT = b":\n\n"
# Proxies and browsers give up a connection that says nothing.
_COMMENT_SECONDS = 15.0
# All streams at once would hold up a message for as long as that takes.
_TURNS = 150
_LOOK_AGAIN_SECONDS = 0.5
_HEARING_SECONDS = 0.2
# Granian takes a few pieces before it waits for the reader, and keeps them.
_PIECE_OCTETS = 16_384
# Deletions that a reader has not been told of yet; past so many it is cut off.
_MAX_DELETED = 1_000
_STATE_KEY = "event_stream"


class Streams:
    """The open streams of one worker process."""

    def __init__(
        self,
        database: Database,
        waiters: Waiters,
        stream_slots: StreamSlots,
        tasks: asyncio.TaskGroup,
        *,
        stall_seconds: float,
    ) -> None:
        self.database = database
        self.waiters = waiters
        self.stream_slots = stream_slots
        self.tasks = tasks
        self.shared_reads = SharedReads(database, tasks)
        self.stall_seconds = stall_seconds
        self._turns: list[set[EventStream]] = [set() for _ in range(_TURNS)]
        self._begun = 0

    def __len__(self) -> int:
        return sum(len(each) for each in self._turns)

    def next_turn(self) -> "set[EventStream]":
        """Whom the next stream to begin says its comments with."""
        self._begun += 1
        return self._turns[self._begun % _TURNS]

    async def beat(self) -> None:
        """Keep every stream alive with a comment now and then, until cancelled."""
        now = asyncio.get_running_loop().time
        due_at = now()
        while True:
            for turn in self._turns:
                due_at = max(due_at + _COMMENT_SECONDS / _TURNS, now())
                await asyncio.sleep(due_at - now())
                for stream in tuple(turn):
                    stream.beat()


class _Late(msgspec.Struct, kw_only=True):
    """What was deleted while a stream was speaking: those it has to tell of, and those it must not show any more."""

    shown: list[tuple[int, uuid.UUID]]
    unshown: set[int]

    @property
    def is_too_much(self) -> bool:
        return len(self.shown) + len(self.unshown) > _MAX_DELETED


class EventStream:
    """One reader's stream of one mailbox, from a cursor on, until the reader or the mailbox is gone."""

    __slots__ = (
        "_address",
        "_client",
        "_cursor",
        "_has_left",
        "_is_behind",
        "_is_speaking",
        "_late",
        "_look",
        "_mailbox_id",
        "_owes_comment",
        "_saying_since",
        "_send",
        "_streams",
        "_token_sha256",
        "_turn",
        "seen",
    )

    def __init__(
        self,
        streams: Streams,
        mailbox: Mailbox,
        *,
        client: Client,
        address: str,
        token_sha256: bytes | None,
        cursor: Cursor,
    ) -> None:
        self._streams = streams
        self._client = client
        self._mailbox_id = mailbox.id
        self._address = address
        self._token_sha256 = token_sha256
        self._cursor = cursor
        self._send: Send | None = None
        self._has_left = False
        self._is_behind = False
        self._is_speaking = False
        self._owes_comment = False
        self._saying_since: float | None = None
        self._look = 0
        self._late: _Late | None = None
        self._turn = streams.next_turn()
        self.seen = 0

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the head; what `outliving` finds in the scope goes on from there. Raises TooManyStreams."""
        self._streams.stream_slots.enter(self._client, self._mailbox_id)
        scope["state"][_STATE_KEY] = self
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
        await send({"type": "http.response.body", "body": _FIRST, "more_body": True})

    def begin(self, send: Send) -> None:
        """Say what is in the mailbox and what comes, until `end`."""
        self._send = send
        self._turn.add(self)
        self._streams.waiters.add(self._mailbox_id, self)
        self.wake()

    def end(self) -> None:
        """Say nothing any more; the reader has left."""
        self._has_left = True
        self._streams.waiters.remove(self._mailbox_id, self)
        self._turn.discard(self)
        self.leave()
        self._tell_if_cut()

    def leave(self) -> None:
        """Give the place back; of a stream that begins, `end` does so."""
        self._streams.stream_slots.leave(self._client, self._mailbox_id)

    def wake(self) -> None:
        self._is_behind = True
        self._look = self._streams.shared_reads.begun
        self._speak()

    def forget(self, seq: int, message_id: uuid.UUID) -> None:
        """Tell of a deletion to who saw the message or had it behind them; to others it never comes."""
        is_shown = seq <= max(self._cursor.seq, self.seen)
        # One that does not speak reads what comes after this, and the message is not there any more.
        if self._has_left or not (is_shown or self._is_speaking):
            return
        self._late = self._late or _Late(shown=[], unshown=set())
        if self._late.is_too_much:
            pass
        elif is_shown:
            self._late.shown.append((seq, message_id))
        else:
            self._late.unshown.add(seq)
        self._speak()

    def beat(self) -> None:
        """Say that the stream is alive."""
        self._owes_comment = True
        self._speak()

    def _speak(self) -> None:
        # One that is still speaking has a slow reader, who gets no more to read on top of it.
        if not self._is_speaking and not self._has_left:
            self._is_speaking = True
            self._streams.tasks.create_task(self._say_all())

    async def _say_all(self) -> None:
        try:
            if not self._is_behind and not self._late:
                await self._say_comment()
            while (self._is_behind or self._late) and not self._has_left:
                await self._say_deleted()
                if self._is_behind and not self._has_left:
                    self._is_behind = False
                    await self._say_news()
                elif self._late and not self._late.shown:
                    self._late = None
        except Exception:  # the edge: the reader comes back, the other streams go on
            log.exception("stream_failed")
            await self._end()
        finally:
            self._is_speaking = False
            if self._has_left:
                self._late = None

    async def _say_deleted(self) -> None:
        if self._late and self._late.is_too_much:
            log.warning("stream_cut", mailbox=self._mailbox_id, reason="too many deletions untold")
            await self._end()
        while self._late and self._late.shown and not self._has_left:
            seq, message_id = self._late.shown.pop(0)
            data = msgspec.json.encode({"id": message_id, "seq": seq})
            await self._say(b"event: deleted\ndata: %s\n\n" % data)

    async def _say_news(self) -> None:
        if self._streams.waiters.has_ended:
            await self._end()
            return
        try:
            page = await self._streams.shared_reads.past(
                self._cursor, address=self._address, token_sha256=self._token_sha256, after=self._look
            )
        except MailboxNotFound:
            data = msgspec.json.encode({"temp_email_addr": self._address})
            await self._end(b"event: gone\ndata: %s\n\n" % data)
            return
        except DatabaseAway:
            self._is_behind = True
            if self._owes_comment:
                await self._say_comment()
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            return
        for event in page.events:
            if self._has_left:
                return
            is_deleted = self._late and event.seq in self._late.unshown
            self._cursor = Cursor(seq=event.seq)
            if not is_deleted:
                await self._say(event.octets)
            await self._say_deleted()
        if page.is_last:
            self._cursor = rewind(self._cursor, before=self.seen, last_seq=page.seen)
            self.seen = page.seen
        else:
            self._is_behind = True

    async def _say_comment(self) -> None:
        self._owes_comment = False
        await self._say(_COMMENT)

    async def _say(self, octets: bytes, *, is_last: bool = False) -> None:
        if self._send is None:
            return
        for start in range(0, len(octets) or 1, _PIECE_OCTETS):
            piece = octets[start : start + _PIECE_OCTETS]
            more = not is_last or start + _PIECE_OCTETS < len(octets)
            self._saying_since = asyncio.get_running_loop().time()
            try:
                await self._send({"type": "http.response.body", "body": piece, "more_body": more})
            except RuntimeError:
                self._has_left = True  # Granian's word for an answer that is over
            if self._seconds_stalled() > self._streams.stall_seconds / 4:
                # A piece is done with too when its reader is gone, of which `end` comes to tell a moment later.
                await asyncio.sleep(_HEARING_SECONDS)
            if self._has_left and not is_last:
                break
            self._saying_since = None

    async def _end(self, octets: bytes = b"") -> None:
        """End the response; Granian then says that the reader has left, and `end` follows."""
        self._has_left = True
        await self._say(octets, is_last=True)

    def _tell_if_cut(self) -> None:
        """The kernel cuts off who takes nothing; there was room for some more until this stream had to wait for it."""
        seconds = self._seconds_stalled()
        if seconds > self._streams.stall_seconds / 4:
            log.warning("stream_cut", mailbox=self._mailbox_id, reason="nothing taken", seconds=round(seconds, 1))

    def _seconds_stalled(self) -> float:
        return 0 if self._saying_since is None else asyncio.get_running_loop().time() - self._saying_since


def outliving(application: ASGIApp) -> ASGIApp:
    """`application`, and after it the stream that it began, without the frames it took to begin it."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await application(scope, receive, send)
        except BaseException:
            if stream := _begun(scope):
                stream.leave()
            raise
        stream = _begun(scope)
        if not stream:
            return
        # Granian keeps it for as long as the stream lasts, with all that the framework put into it.
        scope.clear()  # type: ignore[union-attr]  # a TypedDict to the checker, any dict to Granian
        stream.begin(send)
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            stream.end()

    return call


def _begun(scope: Scope) -> EventStream | None:
    stream = scope["state"].pop(_STATE_KEY, None) if scope["type"] == ScopeType.HTTP else None
    return stream if isinstance(stream, EventStream) else None
