"""Sustained load: rounds that create, fill and read mailboxes. Run with python -m faults.sustained_load."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

import msgspec
import uvloop

from faults import generated_content
from faults.api_connection import ApiConnection
from faults.smtp_session import Dialogue, connect

_AT_ONCE = 20
_MESSAGES_A_SESSION = 50
_CLIENT_ADDRESSES = 250

Item = TypeVar("Item")


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """The command to create this many mailboxes and send to each; half of the messages get a session of their own."""

    smtp: tuple[str, int]
    http: tuple[str, int]
    mailboxes: int
    messages_each: int


class RoundResult(msgspec.Struct, kw_only=True):
    """The mailboxes of a round in the order of their messages, and the number of acknowledged messages.

    `mismatches` describes each stream or poll that did not show exactly the messages sent to its mailbox.
    """

    addresses: list[str] = msgspec.field(default_factory=list)
    acknowledged: int = 0
    mismatches: list[str] = msgspec.field(default_factory=list)


def content(number: int) -> bytes:
    """Return the short message of that number, with a code and a link; no two are the same."""
    return b"From: Writer <writer@client.test>\r\nSubject: %b\r\nContent-Type: text/html\r\n\r\n%b%b" % (
        generated_content.subject(number).encode(),
        b'<p>Your code is %06d.</p><p>We saw a new device. <a href="https://example.com/%d">It is me</a></p>\r\n'
        % (number % 1_000_000, number),
        b"<p>Number %d once more, and so the text goes on to its end.</p>\r\n" % number * 10,
    )


class SustainedLoad:
    """One round, whose first message has the number `first`."""

    def __init__(self, command: Round, first: int) -> None:
        self._command = command
        self._first = first
        self._result = RoundResult()

    async def run(self) -> RoundResult:
        """Create all mailboxes, then send all messages, then read all mailboxes."""
        command = self._command
        await _spread(range(command.mailboxes), self._create)
        await _spread(self._sessions(), self._send)
        await _spread(enumerate(self._result.addresses), self._read)
        return self._result

    def _sessions(self) -> Iterator[list[int]]:
        """Yield the numbers of the messages of each session: one, or many."""
        command = self._command
        end = self._first + command.mailboxes * command.messages_each
        for start in range(self._first, end, 2 * _MESSAGES_A_SESSION):
            numbers = list(range(start, min(start + 2 * _MESSAGES_A_SESSION, end)))
            yield numbers[::2]
            yield from ([number] for number in numbers[1::2])

    async def _create(self, numbers: Iterator[int]) -> None:
        async with ApiConnection.open(*self._command.http) as api:
            for _ in numbers:
                self._result.addresses.append(await api.make_mailbox())

    async def _send(self, sessions: Iterator[list[int]]) -> None:
        for numbers in sessions:
            local_address = f"127.0.0.{1 + numbers[0] % _CLIENT_ADDRESSES}"
            session = await connect(*self._command.smtp, self._messages(numbers), local_address=local_address)
            await session.is_over.wait()
            session.close()

    def _messages(self, numbers: list[int]) -> Dialogue:
        yield ()
        yield (b"EHLO client.test\r\n",)
        for number in numbers:
            address = self._result.addresses[(number - self._first) // self._command.messages_each]
            yield (f"MAIL FROM:<writer@client.test>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode(),)
            yield ()
            code = yield ()
            if code == 354:
                code = yield content(number), b".\r\n"
            self._result.acknowledged += code == 250
        yield (b"QUIT\r\n",)

    async def _read(self, mailboxes: Iterator[tuple[int, str]]) -> None:
        each = self._command.messages_each
        async with ApiConnection.open(*self._command.http) as api:
            for number, address in mailboxes:
                first = self._first + number * each
                sent = list(range(first, first + each))
                async with ApiConnection.open(*self._command.http) as stream_api:
                    streamed = await stream_api.stream(address, each)
                for way, shown in (("stream", streamed), ("poll", await api.poll(address))):
                    if sorted(map(generated_content.number_of, shown)) != sent:
                        self._result.mismatches.append(f"{way} of {address} shows {shown} where {sent} were sent")


async def _spread(items: Iterable[Item], work: Callable[[Iterator[Item]], Awaitable[None]]) -> None:
    """Run several of `work` at once; each takes the next item when it has finished one."""
    shared = iter(items)
    await asyncio.gather(*(work(shared) for _ in range(_AT_ONCE)))


def main() -> None:
    """Run commands until stdin ends."""
    first = 1
    for line in sys.stdin:
        command = msgspec.json.decode(line, type=Round)
        result = uvloop.run(SustainedLoad(command, first).run())
        first += command.mailboxes * command.messages_each
        print(msgspec.json.encode(result).decode(), flush=True)


if __name__ == "__main__":
    main()
