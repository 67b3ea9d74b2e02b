"""Round after round of mailboxes made, sent to and read, as fast as it goes: python -m faults.sustained_load."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

import msgspec
import uvloop

from faults import generated_content
from faults.api_connection import Asking
from faults.smtp_session import Dialogue, connect

_AT_ONCE = 20
_MESSAGES_A_SESSION = 50
_SOURCES = 250

Item = TypeVar("Item")


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """So many mailboxes more; each gets so many messages, half of them in sessions of one message."""

    smtp: tuple[str, int]
    http: tuple[str, int]
    mailboxes: int
    messages_each: int


class Told(msgspec.Struct, kw_only=True):
    """What became of a round: its mailboxes, in the order of their messages, and how many of these were acknowledged.

    `untrue`: what a mailbox's stream or poll showed that is not just what was sent there.
    """

    addresses: list[str] = msgspec.field(default_factory=list)
    acknowledged: int = 0
    untrue: list[str] = msgspec.field(default_factory=list)


def content(number: int) -> bytes:
    """The message of that number: a short one, and no other is like it."""
    return b"From: Writer <writer@client.test>\r\nSubject: %b\r\n\r\n%b" % (
        generated_content.subject(number).encode(),
        b"Number %d once more, and so the text goes on to its end.\r\n" % number * 12,
    )


class Multitude:
    """One round, whose first message has the number `first`."""

    def __init__(self, order: Round, first: int) -> None:
        self._order = order
        self._first = first
        self._told = Told()

    async def run(self) -> Told:
        """Make, send, read."""
        order = self._order
        await _spread(range(order.mailboxes), self._make)
        await _spread(self._sessions(), self._send)
        await _spread(enumerate(self._told.addresses), self._read)
        return self._told

    def _sessions(self) -> Iterator[list[int]]:
        """The numbers that each has to send: one, or many."""
        order = self._order
        end = self._first + order.mailboxes * order.messages_each
        for start in range(self._first, end, 2 * _MESSAGES_A_SESSION):
            numbers = list(range(start, min(start + 2 * _MESSAGES_A_SESSION, end)))
            yield numbers[::2]
            yield from ([number] for number in numbers[1::2])

    async def _make(self, places: Iterator[int]) -> None:
        async with Asking.open(*self._order.http) as asking:
            for _ in places:
                self._told.addresses.append(await asking.make_mailbox())

    async def _send(self, sessions: Iterator[list[int]]) -> None:
        for numbers in sessions:
            source = f"127.0.0.{1 + numbers[0] % _SOURCES}"
            conversation = await connect(*self._order.smtp, self._messages(numbers), source=source)
            await conversation.is_over.wait()
            conversation.close()

    def _messages(self, numbers: list[int]) -> Dialogue:
        yield ()
        yield (b"EHLO client.test\r\n",)
        for number in numbers:
            address = self._told.addresses[(number - self._first) // self._order.messages_each]
            yield (f"MAIL FROM:<writer@client.test>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode(),)
            yield ()
            code = yield ()
            if code == 354:
                code = yield content(number), b".\r\n"
            self._told.acknowledged += code == 250
        yield (b"QUIT\r\n",)

    async def _read(self, places: Iterator[tuple[int, str]]) -> None:
        each = self._order.messages_each
        async with Asking.open(*self._order.http) as asking:
            for place, address in places:
                first = self._first + place * each
                sent = list(range(first, first + each))
                async with Asking.open(*self._order.http) as following:
                    streamed = await following.stream(address, each)
                for way, shown in (("stream", streamed), ("poll", await asking.poll(address))):
                    if sorted(map(generated_content.number_of, shown)) != sent:
                        self._told.untrue.append(f"{way} of {address} shows {shown} where {sent} were sent")


async def _spread(items: Iterable[Item], work: Callable[[Iterator[Item]], Awaitable[None]]) -> None:
    """Have several at it, each of whom takes the next item when it is done with one."""
    shared = iter(items)
    await asyncio.gather(*(work(shared) for _ in range(_AT_ONCE)))


def main() -> None:
    """Obey until there are no more orders."""
    first = 1
    for line in sys.stdin:
        order = msgspec.json.decode(line, type=Round)
        told = uvloop.run(Multitude(order, first).run())
        first += order.mailboxes * order.messages_each
        print(msgspec.json.encode(told).decode(), flush=True)


if __name__ == "__main__":
    main()
