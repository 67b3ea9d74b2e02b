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
from http_api.schemas.message import listed_message

log = structlog.get_logger()

_PAGE_MESSAGES = 8
# A slow reader keeps the rest of its page in memory, so a page that is larger ends here.
_PAGE_OCTETS = 131_072


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message as a server-sent event."""

    seq: int
    octets: bytes


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The next events, oldest first; `is_last` says that none follow, up to the mailbox's `last_seq`."""

    events: tuple[Event, ...]
    octets: int
    last_seq: int
    is_last: bool


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """A read that has not ended; the `number`th of the process."""

    number: int
    task: "asyncio.Task[Page | ServiceError | None]"


class SharedReads:
    """The reads of one worker process."""

    def __init__(self, database: Database, tasks: asyncio.TaskGroup) -> None:
        self._database = database
        self._tasks = tasks
        self._reads: dict[tuple[str, bytes | None, Cursor], _Read] = {}
        # A stream that is woken after n reads have begun shares a later one: the nth may have missed the change.
        self.begun = 0

    async def page(self, since: Cursor, *, address: str, token_sha256: bytes | None, after: int) -> Page:
        """The page after `since`, from a read that began after the read number `after`.

        Raises the errors of message_list.read and Database.run, and RuntimeError after any other, which was logged.
        """
        key = (address, token_sha256, since)
        read = self._reads.get(key)
        if read is None or read.number <= after:
            self.begun += 1
            read = _Read(number=self.begun, task=self._tasks.create_task(self._read(address, token_sha256, since)))
            self._reads[key] = read
        try:
            result = await read.task
        finally:
            if self._reads.get(key) is read:
                del self._reads[key]
        if result is None:
            raise RuntimeError
        if isinstance(result, ServiceError):
            raise type(result)(str(result))
        return result

    async def _read(self, address: str, token_sha256: bytes | None, since: Cursor) -> Page | ServiceError | None:
        async def read(connection: Connection) -> ShortPage:
            return await message_list.read_short(
                connection,
                address=address,
                token_sha256=token_sha256,
                since=since,
                limit=_PAGE_MESSAGES,
                most_octets=_PAGE_OCTETS,
            )

        try:
            return _page(await self._database.run(read))
        except ServiceError as error:
            return error
        except Exception:  # the edge: this would end the process, and with it the streams of all other mailboxes
            log.exception("look_failed")
            return None


def _page(page: ShortPage) -> Page:
    events: list[Event] = []
    octets = 0
    for message in page.messages:
        if octets >= _PAGE_OCTETS:
            break
        event = sse.event("message", listed_message(message), event_id=message.seq)
        events.append(Event(seq=message.seq, octets=event))
        octets += len(event)
    return Page(
        events=tuple(events),
        octets=octets,
        last_seq=page.mailbox.last_seq,
        is_last=not page.is_short and len(events) < _PAGE_MESSAGES and len(events) == len(page.messages),
    )
