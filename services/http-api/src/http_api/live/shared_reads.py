"""The messages of a mailbox after a cursor, as events: read once for all streams that ask at the same time."""

import asyncio

import msgspec
import structlog

from fake_email.errors import ServiceError
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database
from fake_email.storage import message_list
from fake_email.storage.message_list import Cursor, ShortPage
from http_api.live import sse
from http_api.live.client_database import ClientDatabase
from http_api.live.fair_shares import FairShares
from http_api.protocol.client_address import Client
from http_api.schemas.message import listed_message

log = structlog.get_logger()

_PAGE_MESSAGES = 8
# A slow reader keeps the rest of its page in memory, so a page that is larger ends here.
_PAGE_OCTETS = 131_072


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message as a server-sent event."""

    seq: int
    octets: bytes
    # In seconds since 1970.
    received_at: float


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The next events, oldest first; `is_last` says that none follow, up to the mailbox's `last_seq`."""

    events: tuple[Event, ...]
    octets: int
    last_seq: int
    is_last: bool


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The mailbox of a page, and the cursor before it."""

    address: str
    token_sha256: bytes | None
    since: Cursor


class _Read:
    """A read that has not ended; once it has begun in a turn, the `number`th of the process.

    Until then each client that waits for it asks for a turn, and the first turn reads for all of them.
    """

    __slots__ = ("number", "result", "turn", "turns")

    def __init__(self) -> None:
        self.number: int | None = None
        self.turn: asyncio.Task[None] | None = None
        self.turns: dict[int, asyncio.Task[None]] = {}
        self.result: asyncio.Future[Page | ServiceError | None] = asyncio.get_running_loop().create_future()

    def begin(self, number: int, turn: "asyncio.Task[None] | None") -> None:
        """Read in this turn, and give the others up."""
        self.number, self.turn = number, turn
        for each in self.turns.values():
            if each is not turn:
                each.cancel()


class SharedReads:
    """The reads of one worker process."""

    def __init__(self, database: Database, connections: FairShares, tasks: asyncio.TaskGroup) -> None:
        self._database = database
        self._connections = connections
        self._tasks = tasks
        self._reads: dict[_Wanted, _Read] = {}
        # A stream that is woken after n reads have begun shares a later one: the nth may have missed the change.
        self.begun = 0

    async def page(
        self, client: Client, since: Cursor, *, address: str, token_sha256: bytes | None, after: int
    ) -> Page:
        """The page after `since`, from a read that began after the read number `after`, in a turn of the client.

        A turn of another client that waits for the same read serves as well. Raises the errors of message_list.read and
        ClientDatabase.run, and RuntimeError after any other, which was logged.
        """
        wanted = _Wanted(address=address, token_sha256=token_sha256, since=since)
        read = self._reads.get(wanted)
        if read is None or (read.number is not None and read.number <= after):
            read = self._reads[wanted] = _Read()
        if read.number is None and client.network not in read.turns:
            read.turns[client.network] = self._tasks.create_task(self._take_turn(client, wanted, read))
        result = await asyncio.shield(read.result)
        if result is None:
            raise RuntimeError
        if isinstance(result, ServiceError):
            raise type(result)(str(result))
        return result

    async def _take_turn(self, client: Client, wanted: _Wanted, read: _Read) -> None:
        """Read when it is the client's turn, unless another client's turn comes first."""
        this = asyncio.current_task()
        result: Page | ServiceError | None = None

        async def run(connection: Connection) -> ShortPage | None:
            if read.turn is None:
                self.begun += 1
                read.begin(self.begun, this)
            return await _read(connection, wanted) if read.turn is this else None

        try:
            # A stream that gave its turn up would only ask for another one.
            database = ClientDatabase(self._database, self._connections, client, seconds=None)
            page = await database.run(run)
            result = await _page(page) if page else None
        except ServiceError as error:
            result = error
        except Exception:  # the edge: this would end the process, and with it the streams of all other mailboxes
            log.exception("look_failed")
        finally:
            del read.turns[client.network]
            # A turn that failed before the read began leaves it to the other clients' turns.
            if read.turn is this or (read.turn is None and not read.turns):
                self._end(wanted, read, result)

    def _end(self, wanted: _Wanted, read: _Read, result: Page | ServiceError | None) -> None:
        if self._reads.get(wanted) is read:
            del self._reads[wanted]
        read.result.set_result(result)


async def _read(connection: Connection, wanted: _Wanted) -> ShortPage:
    return await message_list.read_short(
        connection,
        address=wanted.address,
        token_sha256=wanted.token_sha256,
        since=wanted.since,
        limit=_PAGE_MESSAGES,
        most_octets=_PAGE_OCTETS,
    )


async def _page(page: ShortPage) -> Page:
    events: list[Event] = []
    octets = 0
    for message in page.messages:
        if octets >= _PAGE_OCTETS:
            break
        event = sse.event("message", listed_message(message), event_id=message.seq)
        events.append(Event(seq=message.seq, octets=event, received_at=message.received_at.timestamp()))
        octets += len(event)
        await asyncio.sleep(0)  # each message may take milliseconds
    return Page(
        events=tuple(events),
        octets=octets,
        last_seq=page.mailbox.last_seq,
        is_last=not page.is_short and len(events) < _PAGE_MESSAGES and len(events) == len(page.messages),
    )
