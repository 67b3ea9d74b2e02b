"""The streams of a worker process inside the test process, on the database of a pair, with readers that obey."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

from litestar.testing import RequestFactory
from litestar.types import HTTPReceiveMessage, Message
from support.harness import DOMAINS, Pair

from fake_email.postgres.pool import open_database
from fake_email.settings import Settings
from fake_email.storage import mailboxes
from fake_email.storage.message_list import Cursor
from http_api.calls.context import Context, SharedContext
from http_api.live.backlog_watch import BacklogWatch
from http_api.live.call_shares import CallShares
from http_api.live.detach import detaching
from http_api.live.event_stream import EventStream
from http_api.live.feed import Feed
from http_api.live.mailbox_lookups import MailboxLookups
from http_api.live.message_count import MessageCount
from http_api.live.shares import Shares
from http_api.live.stream_response import StreamResponse
from http_api.live.stream_slots import StreamSlots
from http_api.live.streams import Streams
from http_api.live.waiters import Waiters
from http_api.protocol.client_address import Client
from http_api.protocol.request import CLIENT as CLIENT_KEY

CLIENT = Client(address="192.0.2.1", network=0xC0000201, is_trusted=False)


class Reader:
    """The HTTP server's end of one stream: it keeps what is sent, and disconnects or is slow when told."""

    def __init__(self) -> None:
        self.received = b""
        self.is_over = False
        self.disconnects = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()

    async def receive(self) -> HTTPReceiveMessage:
        await self.disconnects.wait()
        return {"type": "http.disconnect"}

    async def send(self, sent: Message) -> None:
        if sent["type"] != "http.response.body":
            return
        self.received += sent["body"]
        if not sent["more_body"]:
            self.is_over = True
            self.disconnects.set()
        if b"event: " in sent["body"]:
            await self.takes.wait()


@asynccontextmanager
async def streams_of(pair: Pair) -> AsyncIterator[Streams]:
    """The streams of one worker process, which does not listen for notifications."""
    settings = Settings(database_url=pair.database_url, domain=DOMAINS)
    async with open_database(pair.database_url, connections=2) as database, asyncio.TaskGroup() as tasks:
        yield Streams(database, Waiters(), StreamSlots(settings), Shares(), tasks, stall_seconds=30)


@asynccontextmanager
async def opened(
    streams: Streams, address: str, *, disconnects_at_once: bool = False
) -> AsyncIterator[tuple[Reader, "asyncio.Task[None]"]]:
    """The reader of a stream, and the task that serves it; cancelled at the end of the block."""
    mailbox = await streams.database.run(
        lambda connection: mailboxes.fetch(connection, address=address, token_sha256=None)
    )
    event_stream = EventStream(
        streams, [Feed(mailbox.id, address=address, token_sha256=None, cursor=Cursor())], client=CLIENT
    )
    reader = Reader()
    if disconnects_at_once:
        reader.disconnects.set()
    scope = RequestFactory().get().scope
    scope["state"][CLIENT_KEY] = CLIENT

    async def serve() -> None:
        await detaching(StreamResponse(event_stream), Shares())(scope, reader.receive, reader.send)

    serving = streams.tasks.create_task(serve())
    try:
        yield reader, serving
    finally:
        reader.takes.set()
        serving.cancel()


def context_of(streams: Streams) -> Context:
    """The context of a call by CLIENT in the worker process of these streams; the call receives and sends nothing."""
    settings = Settings(database_url="", domain=DOMAINS)
    shared = SharedContext(
        settings=settings,
        database=streams.database,
        waiters=streams.waiters,
        mailbox_lookups=MailboxLookups(streams.database),
        message_count=MessageCount(streams.database),
        shares=streams.shares,
        stream_slots=streams.stream_slots,
        backlog=BacklogWatch(),
        streams=streams,
    )
    share = streams.shares.calls.take_now(CLIENT)
    assert share
    return Context(shared, CallShares(streams.shares, CLIENT, share, _unused, _unused))


async def _unused(*_: object) -> NoReturn:
    raise NotImplementedError
