"""The delay from a message to its event on an open stream, and to the notification of Postgres itself, in ms.

final dot: smtp-ingest has the whole message. reply 250: it has acknowledged the message. LISTEN: a plain connection to
Postgres receives the notification, which is the earliest possible time for an event.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress

import psycopg
import uvloop
from psycopg import sql
from support.harness import Pair
from support.smtp_client import SmtpClient

from bench.figures import Lost, make_mailboxes, percentile, row
from bench.mail import message
from bench.streams import open_streams
from fake_email.postgres.notifications import Grown

_STREAMS = 50
_PER_SECOND = (50, 200)
_MESSAGES = 600
# A divisor of _STREAMS, so that all mail to a mailbox goes through one session, in order.
_SESSIONS = 10
_LAST_SECONDS = 5.0

_LISTEN = sql.SQL("LISTEN {}").format(sql.Identifier(Grown.CHANNEL))
_IDS = "SELECT id, address FROM mailbox WHERE address = ANY(%(addresses)s)"

# A message: the address of its mailbox and its seq there.
Key = tuple[str, int]
Moments = Mapping[Key, float]


class Observer:
    """The times when each message was sent, acknowledged, notified and streamed, in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self.sent: dict[Key, float] = {}
        self.acknowledged: dict[Key, float] = {}
        self.notified: dict[Key, float] = {}
        self.streamed: dict[Key, float] = {}
        self.events = 0
        self.is_complete = asyncio.Event()

    def arrived(self, address: str, seq: int) -> None:
        """Note that a stream has received an event."""
        self.streamed[address, seq] = time.monotonic()
        self.events += 1
        self._check()

    async def deliver(self, client: SmtpClient, address: str, number: int) -> None:
        """Send message `number`, which must be the next one of its mailbox."""
        key = (address, number // _STREAMS + 1)
        await client.begin(address)
        self.sent[key] = time.monotonic()
        await client.send(message(number) + b".\r\n")
        reply = await client.reply()
        if reply.code == 250:
            self.acknowledged[key] = time.monotonic()

    async def listen(self, connection: psycopg.AsyncConnection, addresses: Sequence[str]) -> None:
        """Note the notifications of Postgres until cancelled."""
        cursor = await connection.execute(_IDS, {"addresses": list(addresses)})
        by_id: dict[int, str] = dict(await cursor.fetchall())
        async for notification in connection.notifies():
            now = time.monotonic()
            for grown in Grown.decode(notification.payload):
                if grown:
                    self.notified[by_id[grown.mailbox_id], grown.seq] = now
            self._check()

    def _check(self) -> None:
        if len(self.streamed) == len(self.notified) == _MESSAGES:
            self.is_complete.set()


def measure(pair: Pair) -> Iterator[str]:
    """A table of milliseconds for each rate; raises Lost when an event is missing, or arrived twice."""
    for per_second in _PER_SECOND:
        yield from _measure(pair, per_second)


def _measure(pair: Pair, per_second: int) -> Iterator[str]:
    seen = uvloop.run(_observe(pair, make_mailboxes(pair, _STREAMS), per_second))
    if not seen.sent.keys() == seen.acknowledged.keys() == seen.notified.keys() == seen.streamed.keys():
        raise Lost(
            f"{len(seen.sent)} messages were sent, {len(seen.acknowledged)} acknowledged, {seen.events} events arrived"
        )
    if seen.events != _MESSAGES:
        raise Lost(f"{_MESSAGES} messages were acknowledged, {seen.events} events arrived")
    yield row(f"ms at {per_second} messages/s, {_STREAMS} streams", "p50", "p99")
    yield row("reply 250 to event", *_percentiles(seen.acknowledged, seen.streamed))
    yield row("reply 250 to LISTEN", *_percentiles(seen.acknowledged, seen.notified))
    # A notification may arrive before the reply 250, and then the ratio is undefined; from the final dot it is not.
    to_event, to_listen = _percentiles(seen.sent, seen.streamed), _percentiles(seen.sent, seen.notified)
    yield row("final dot to reply 250", *_percentiles(seen.sent, seen.acknowledged))
    yield row("final dot to event", *to_event)
    yield row("final dot to LISTEN", *to_listen)
    yield row("event/LISTEN from final dot", *(ours / bare for ours, bare in zip(to_event, to_listen, strict=True)))
    yield f"  {len(seen.acknowledged)} messages acknowledged, {seen.events} events received"


def _percentiles(begun: Moments, ended: Moments) -> list[float]:
    spans = [(ended[key] - begun[key]) * 1_000 for key in begun]
    return [percentile(spans, percent) for percent in (50, 99)]


async def _observe(pair: Pair, addresses: Sequence[str], per_second: int) -> Observer:
    observer = Observer()
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(pair.environ["DATABASE_URL"], autocommit=True)
        )
        await connection.execute(_LISTEN)
        clients = [await stack.enter_async_context(SmtpClient.connect(pair.smtp_port)) for _ in range(_SESSIONS)]
        streams = await open_streams(pair, addresses, observer.arrived)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(observer.listen(connection, addresses))
            async with asyncio.TaskGroup() as sending:
                began_at = time.monotonic()
                due_at = [began_at + number / per_second for number in range(_MESSAGES)]
                for turn, client in enumerate(clients):
                    sending.create_task(_send(observer, client, addresses, due_at, turn))
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SECONDS):
                    await observer.is_complete.wait()
            listening.cancel()
        for stream in streams:
            stream.close()
    return observer


async def _send(
    observer: Observer, client: SmtpClient, addresses: Sequence[str], due_at: Sequence[float], turn: int
) -> None:
    """Send every tenth message at its scheduled time, or as soon as the message before it is done."""
    for number in range(turn, _MESSAGES, _SESSIONS):
        await asyncio.sleep(due_at[number] - time.monotonic())
        await observer.deliver(client, addresses[number % len(addresses)], number)
