"""A worker process' streams within the test, on the pair's database, with readers that do as they are told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar.testing import RequestFactory
from litestar.types import HTTPReceiveMessage, Message
from support.harness import Pair

from fake_email.postgres.pool import open_database
from fake_email.settings import Settings
from fake_email.storage import mailboxes
from fake_email.storage.message_list import Cursor
from http_api.live.event_stream import EventStream, Streams, outliving
from http_api.live.stream_slots import StreamSlots
from http_api.live.waiters import Waiters
from http_api.protocol.client_address import Client

SOMEBODY = Client(address="192.0.2.1", network=0xC0000201, is_trusted=False)


class Reader:
    """The HTTP server's end of one stream: keeps what is said; when told to it leaves, or is not done with an event."""

    def __init__(self) -> None:
        self.heard = b""
        self.is_over = False
        self.leaves = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()

    async def receive(self) -> HTTPReceiveMessage:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, said: Message) -> None:
        if said["type"] != "http.response.body":
            return
        self.heard += said["body"]
        if not said["more_body"]:
            self.is_over = True
            self.leaves.set()
        if b"event: " in said["body"]:
            await self.takes.wait()


@asynccontextmanager
async def streams_of(pair: Pair) -> AsyncIterator[Streams]:
    """What one worker process has; it does not listen."""
    settings = Settings(database_url=pair.database_url, domain=("mx.test",))
    async with open_database(pair.database_url, connections=2) as database, asyncio.TaskGroup() as tasks:
        yield Streams(database, Waiters(), StreamSlots(settings), tasks, stall_seconds=30)


@asynccontextmanager
async def opened(
    streams: Streams, address: str, *, leaves_at_once: bool = False
) -> AsyncIterator[tuple[Reader, "asyncio.Task[None]"]]:
    """A stream with a reader, and the coroutine that is its place; cut at the end of the block."""
    mailbox = await streams.database.run(
        lambda connection: mailboxes.fetch(connection, address=address, token_sha256=None)
    )
    event_stream = EventStream(streams, mailbox, client=SOMEBODY, address=address, token_sha256=None, cursor=Cursor())
    reader = Reader()
    if leaves_at_once:
        reader.leaves.set()
    scope = RequestFactory().get().scope

    async def serve() -> None:
        await outliving(event_stream)(scope, reader.receive, reader.send)

    place = streams.tasks.create_task(serve())
    try:
        yield reader, place
    finally:
        reader.takes.set()
        place.cancel()
