"""What a mailbox holds past a cursor, as events: read once for all the streams that ask at the same time."""

import asyncio

import msgspec
import structlog

from fake_email.errors import ServiceError
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import Database
from fake_email.storage import message_list
from fake_email.storage.mailboxes import Mailbox
from fake_email.storage.message_list import Cursor, Listed
from http_api.schemas.message import listed_message

log = structlog.get_logger()

_PAGE = 8
# Who reads slowly keeps the rest of its page meanwhile, so past this size the rest is left to another look.
_PAGE_OCTETS = 131_072


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message as a server-sent event."""

    seq: int
    octets: bytes


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What comes next, oldest first; `is_last`: behind it there was nothing, up to the seq `seen`."""

    events: tuple[Event, ...]
    seen: int
    is_last: bool


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A look under way; the `number`th that was begun."""

    number: int
    task: "asyncio.Task[Page | ServiceError | None]"


class SharedReads:
    """The looks of one worker process."""

    def __init__(self, database: Database, tasks: asyncio.TaskGroup) -> None:
        self._database = database
        self._tasks = tasks
        self._under_way: dict[tuple[str, bytes | None, Cursor], Look] = {}
        # How many were begun so far. Who was woken when there were n of them shares those after the nth: the ones
        # before may have missed what it was woken for.
        self.begun = 0

    async def past(self, since: Cursor, *, address: str, token_sha256: bytes | None, after: int) -> Page:
        """The page past `since`, from a look that began after the look number `after`.

        Raises what pages.read and Database.run do, and RuntimeError when anything else went wrong, which was logged.
        """
        key = (address, token_sha256, since)
        look = self._under_way.get(key)
        if look is None or look.number <= after:
            self.begun += 1
            look = Look(number=self.begun, task=self._tasks.create_task(self._look(address, token_sha256, since)))
            self._under_way[key] = look
        try:
            found = await look.task
        finally:
            if self._under_way.get(key) is look:
                del self._under_way[key]
        if found is None:
            raise RuntimeError
        if isinstance(found, ServiceError):
            raise type(found)(str(found))
        return found

    async def _look(self, address: str, token_sha256: bytes | None, since: Cursor) -> Page | ServiceError | None:
        async def read(connection: Connection) -> tuple[Mailbox, list[Listed]]:
            return await message_list.read(
                connection, address=address, token_sha256=token_sha256, since=since, limit=_PAGE
            )

        try:
            mailbox, listed = await self._database.run(read)
            return _page(mailbox, listed)
        except ServiceError as error:
            return error
        except Exception:  # the edge: this would end the process, and with it the streams of all other mailboxes
            log.exception("look_failed")
            return None


def _page(mailbox: Mailbox, listed: list[Listed]) -> Page:
    events: list[Event] = []
    octets = 0
    for message in listed:
        if octets >= _PAGE_OCTETS:
            break
        data = msgspec.json.encode(listed_message(message))
        events.append(Event(seq=message.seq, octets=b"event: message\nid: %d\ndata: %s\n\n" % (message.seq, data)))
        octets += len(data)
    return Page(events=tuple(events), seen=mailbox.last_seq, is_last=len(events) < _PAGE and len(events) == len(listed))
