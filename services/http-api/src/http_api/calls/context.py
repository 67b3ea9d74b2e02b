"""The objects that the calls of a worker process share, and what a call has of them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeVar

import msgspec
from litestar.datastructures import State

from fake_email.mime import headers as mime_headers
from fake_email.postgres.pool import Database
from fake_email.settings import Settings
from fake_email.storage.message import Field
from http_api.live import call_shares
from http_api.live.backlog_watch import BacklogWatch
from http_api.live.call_shares import CallShares
from http_api.live.client_database import ClientDatabase
from http_api.live.fair_shares import TURN_SECONDS
from http_api.live.mailbox_lookups import MailboxLookups
from http_api.live.message_count import MessageCount
from http_api.live.share import Share
from http_api.live.shares import Shares
from http_api.live.stream_slots import StreamSlots
from http_api.live.streams import Streams
from http_api.live.waiters import Waiters
from http_api.live.work_threads import WORK_SECONDS
from http_api.protocol.client_address import Client
from http_api.protocol.request import AnyRequest
from http_api.sanitize.work import Done, Work

Result = TypeVar("Result")


class SharedContext(msgspec.Struct, frozen=True, kw_only=True):
    """The objects of a worker process."""

    settings: Settings
    database: Database
    waiters: Waiters
    mailbox_lookups: MailboxLookups
    message_count: MessageCount
    shares: Shares
    stream_slots: StreamSlots
    streams: Streams
    backlog: BacklogWatch


class Context:
    """The objects of a worker process as one call uses them, in the turns of its client."""

    __slots__ = (
        "_call",
        "_database",
        "_shares",
        "client",
        "database",
        "mailbox_lookups",
        "message_count",
        "settings",
        "stream_slots",
        "streams",
        "waiters",
    )

    def __init__(self, shared: SharedContext, call: CallShares) -> None:
        self._call = call
        self._shares = shared.shares
        self.client: Client = call.client
        self._database = shared.database
        self.database = self.database_for(0)
        self.mailbox_lookups = shared.mailbox_lookups
        self.message_count = shared.message_count
        self.settings = shared.settings
        self.stream_slots = shared.stream_slots
        self.streams = shared.streams
        self.waiters = shared.waiters

    def database_for(self, octets: int, *, seconds: float | None = TURN_SECONDS) -> ClientDatabase:
        """The database for reads of so many octets of memory: heavy ones stand in no way of light ones.

        Without `seconds` they wait for their turn as long as it takes, as the rest of a response that has begun does.
        """
        return ClientDatabase(self._database, self._shares.connections_for(octets), self.client, seconds=seconds)

    @property
    def held(self) -> Share | None:
        """The call's share of the memory for answers, if it has one."""
        return self._call.answer

    async def hold(self, octets: int, *, seconds: float = TURN_SECONDS) -> Share:
        """The call's share of the memory for answers, of `octets` if it is new; raises Overloaded."""
        return await self._call.hold(octets, seconds=seconds)

    def release_hold(self) -> None:
        """Release the share of `hold`: the call read something that it does not send."""
        self._call.release_answer()

    async def work(self, work: Callable[[], Result], *, seconds: float | None = WORK_SECONDS) -> Result:
        """The result of `work`, done beside the event loop; raises Overloaded."""
        return await self._shares.work_threads.run(self.client, work, seconds=seconds)

    async def quick_work(self, work: Callable[[], Result]) -> Result:
        """The result of `work` that takes milliseconds, so it does not wait for other work; raises Overloaded."""
        return await self._shares.quick_threads.run(self.client, work)

    async def decode_fields(self, header: bytes) -> Sequence[Field]:
        """The fields of a long header section, decoded beside the event loop."""
        return await self.work(partial(mime_headers.all_fields, header), seconds=None)

    async def sanitize(self, work: Work) -> Done:
        """The page of large HTML, made in a process of its own; raises Overloaded."""
        return await self._shares.sanitizer_turns.run(self.client, partial(self._shares.sanitizer_process.do, work))

    def reading(self, octets: int, *, seconds: float | None) -> AbstractAsyncContextManager[object]:
        """Memory for what a search reads and compares; raises Overloaded after `seconds` without its turn."""
        return self._shares.memory_for(octets).share(self.client, octets, seconds=seconds)

    def whole_content(self) -> AbstractAsyncContextManager[object]:
        """The client's turn to have a whole content in memory; raises Overloaded."""
        return self._shares.whole_contents.share(self.client)

    def begin_waiting(self) -> None:
        """Count the call no longer as in progress: it waits for mail, and holds a slot for that."""
        self._call.release_call()


def shared_context(state: State) -> SharedContext:
    """The context, which the lifespan put into the state."""
    shared: SharedContext = state.context
    return shared


def provide_context(request: AnyRequest) -> Context:
    """The context of the call."""
    return Context(shared_context(request.app.state), call_shares.of(request.scope))
