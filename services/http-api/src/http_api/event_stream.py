"""A mailbox as server-sent events (HTML Living Standard §9.2): what an open stream keeps, and what makes it speak.

An idle stream is one suspended coroutine that waits for the reader to leave, and one small object. It has no
task, no timer and no frame of the framework's: those end when the head of the response is sent, and a task is
there while there is something to say.
"""

import asyncio
import datetime

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from fake_email import messages
from fake_email.database import Connection, Database
from fake_email.errors import DatabaseAway, MailboxNotFound
from fake_email.mailboxes import Mailbox
from fake_email.messages import Listed, Since
from http_api.arrivals import Arrivals
from http_api.listing import listed_message

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
_LOOK_AGAIN_SECONDS = 0.5
_PAGE = 50
_STATE_KEY = "event_stream"


class Streams:
    """The open streams of one worker process."""

    def __init__(self, database: Database, arrivals: Arrivals, tasks: asyncio.TaskGroup) -> None:
        self.database = database
        self.arrivals = arrivals
        self.tasks = tasks
        self.open: set[EventStream] = set()

    async def beat(self) -> None:
        """Keep every stream alive with a comment now and then, until cancelled."""
        while True:
            await asyncio.sleep(_COMMENT_SECONDS)
            now = datetime.datetime.now(datetime.UTC)
            for stream in tuple(self.open):
                stream.beat(now)


class EventStream:
    """One reader's stream of one mailbox, from a cursor on, until the reader or the mailbox is gone."""

    __slots__ = (
        "_address",
        "_cursor",
        "_expires_at",
        "_has_left",
        "_is_behind",
        "_is_speaking",
        "_mailbox_id",
        "_send",
        "_streams",
        "_token_sha256",
        "seen",
    )

    def __init__(
        self, streams: Streams, mailbox: Mailbox, *, address: str, token_sha256: bytes | None, cursor: Since
    ) -> None:
        self._streams = streams
        self._mailbox_id = mailbox.id
        self._expires_at = mailbox.expires_at
        self._address = address
        self._token_sha256 = token_sha256
        self._cursor = cursor
        self._send: Send | None = None
        self._has_left = False
        self._is_behind = False
        self._is_speaking = False
        self.seen = 0

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the head; what `outliving` finds in the scope goes on from there."""
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
        await send({"type": "http.response.body", "body": _FIRST, "more_body": True})
        scope["state"][_STATE_KEY] = self

    async def serve(self, receive: Receive, send: Send) -> None:
        """Say what is in the mailbox and what comes, until the response is over."""
        self._send = send
        self._streams.open.add(self)
        try:
            with self._streams.arrivals.watch(self._mailbox_id, self):
                self.wake()
                while (await receive())["type"] != "http.disconnect":
                    pass
        finally:
            self._has_left = True
            self._streams.open.discard(self)

    def wake(self) -> None:
        self._is_behind = True
        self._speak()

    def beat(self, now: datetime.datetime) -> None:
        """Say that the stream is alive, or find out that the mailbox is not."""
        if now >= self._expires_at:
            self._is_behind = True
        self._speak()

    def _speak(self) -> None:
        # One that is still speaking has a slow reader, who gets no more to read on top of it.
        if not self._is_speaking and not self._has_left:
            self._is_speaking = True
            self._streams.tasks.create_task(self._say_all())

    async def _say_all(self) -> None:
        try:
            if not self._is_behind:
                await self._say(_COMMENT)
            while self._is_behind and not self._has_left:
                self._is_behind = False
                await self._say_news()
        except Exception:  # the edge: the reader comes back, the other streams go on
            log.exception("stream_failed")
            await self._end()
        finally:
            self._is_speaking = False

    async def _say_news(self) -> None:
        if self._streams.arrivals.has_ended:
            await self._end()
            return
        try:
            mailbox, listed = await self._streams.database.run(self._look)
        except MailboxNotFound:
            await self._end()
            return
        except DatabaseAway:
            self._is_behind = True
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            return
        for message in listed:
            data = msgspec.json.encode(listed_message(message))
            await self._say(b"event: message\nid: %d\ndata: %s\n\n" % (message.seq, data))
            self._cursor = Since(seq=message.seq)
        if len(listed) == _PAGE:
            self._is_behind = True
        else:
            self.seen = mailbox.last_seq

    async def _look(self, connection: Connection) -> tuple[Mailbox, list[Listed]]:
        return await messages.read(
            connection, address=self._address, token_sha256=self._token_sha256, since=self._cursor, limit=_PAGE
        )

    async def _say(self, octets: bytes, *, is_last: bool = False) -> None:
        if self._send is None:
            return
        try:
            await self._send({"type": "http.response.body", "body": octets, "more_body": not is_last})
        except RuntimeError:
            self._has_left = True  # Granian's word for a reader that is gone

    async def _end(self) -> None:
        """End the response; Granian tells `serve` so."""
        self._has_left = True
        await self._say(b"", is_last=True)


def outliving(application: ASGIApp) -> ASGIApp:
    """`application`, and after it the stream that it began, without the frames it took to begin it."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await application(scope, receive, send)
        stream = scope["state"].pop(_STATE_KEY, None) if scope["type"] == ScopeType.HTTP else None
        del scope
        if isinstance(stream, EventStream):
            await stream.serve(receive, send)

    return call
