"""Hostile clients in a process of their own: python -m faults.hostile_load.

Its commands are lines of JSON. The response to Start is a line once all clients have started, and to Stop an Outcome.
"""

import asyncio
import hashlib
import itertools
import sys
from collections import defaultdict
from collections.abc import Coroutine, Iterator

import msgspec
import uvloop

from faults import unread_clients
from faults.readers import Readers
from faults.slow_clients import SLOW_CLIENTS, run_slow_client
from faults.smtp_session import Dialogue, connect
from faults.stream_clients import StreamClient, open_stream
from faults.unread_clients import run_unread_client

_AGAIN_SECONDS = 0.5
_CHECK_SECONDS = 0.05
_PATIENCE_SECONDS = 120.0
_CLIENT_SESSIONS = 20
_CLIENT_STREAMS = 100
_AT_ONCE = 20
_HEAVY_OCTETS = 1_500_000
_HEAVY_MESSAGES = 5
# Octets of events on each stream: more than all buffers on the way to a stalled client hold.
_FULL_OCTETS = 300_000
_FIELDS = b"From: Writer <writer@client.test>\r\nSubject: to your attention\r\n"
_TEXT = b"\r\n" + b"All work and no play makes for a long and even text without any surprise.\r\n" * 800
_MULTIPART = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=limit\r\n\r\n--limit\r\n"
_ATTACHMENT = b"--limit\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n"
_BASE64_LINE = b"QUJD" * 19 + b"\r\n"


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of slow clients, of clients that send large messages, and of streams, `stalled` of which do not read.

    `unread`: clients that ask for large responses and read nothing of them. `texts_per_second`: small messages that are
    sent to the mailboxes of the streams.
    """

    slow: int
    large: int
    large_octets: int
    streams: int
    stalled: int
    unread: int
    texts_per_second: float


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Start the crowd against these addresses."""

    smtp: tuple[str, int]
    http: tuple[str, int]
    crowd: Crowd


class Stop(msgspec.Struct, frozen=True):
    """Stop all clients."""


class Outcome(msgspec.Struct, kw_only=True):
    """Replies to messages, hashes and mailboxes of the acknowledged ones, and the number of disconnected readers.

    A stalled client does not count as a reader.
    """

    replies: dict[int, int] = msgspec.field(default_factory=lambda: defaultdict(int))
    content_sha256s: list[str] = msgspec.field(default_factory=list)
    addresses: list[str] = msgspec.field(default_factory=list)
    readers_disconnected: int = 0


class HostileClients:
    """The whole crowd, from `begin` to `end`."""

    def __init__(self, start: Start, tasks: asyncio.TaskGroup) -> None:
        self._smtp = start.smtp
        self._http = start.http
        self._crowd = start.crowd
        self._tasks = tasks
        self._outcome = Outcome()
        self._numbers = itertools.count(1)
        self._stream_clients: list[StreamClient] = []
        self._running: list[asyncio.Task[None]] = []
        self._large = _large(start.crowd.large_octets)

    async def begin(self) -> None:
        """Start all clients; return once the buffers on the way to each stalled client are full."""
        crowd = self._crowd
        readers = Readers(f"http://{self._http[0]}:{self._http[1]}")
        self._outcome.addresses = [(await readers.make_mailbox(private=False)).address for _ in range(crowd.large)]
        recipients, local_addresses = itertools.cycle(self._outcome.addresses), _local_addresses()
        heavy = (await readers.make_mailbox(private=False)).address
        heavy_content = unread_clients.content(_HEAVY_OCTETS)
        await self._run_session(self._messages(heavy, heavy_content, most=_HEAVY_MESSAGES), next(local_addresses))
        asked = await unread_clients.paths(readers.http, heavy)
        await readers.http.aclose()
        self._outcome.addresses.append(heavy)
        await self._open_streams()
        self._start(self._send_texts(next(local_addresses)))
        # Before the large messages, which leave a mailbox no space for the texts on a machine that is slow.
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not self._are_buffers_full:  # noqa: ASYNC110  # many tasks change it
                await asyncio.sleep(_CHECK_SECONDS)
        for _, client, local_address in zip(
            range(crowd.slow), itertools.cycle(SLOW_CLIENTS), local_addresses, strict=False
        ):
            host, port = self._http if client.is_http else self._smtp
            self._start(run_slow_client(client, host, port, local_address=local_address, address=next(recipients)))
        for number in range(crowd.unread):
            self._start(run_unread_client(*self._http, asked, number=number))
        for address, local_address in zip(self._outcome.addresses, local_addresses, strict=False):
            self._start(self._send_large(address, local_address))

    def _start(self, run: Coroutine[None, None, None]) -> None:
        self._running.append(self._tasks.create_task(run))

    def end(self) -> Outcome:
        """Stop all clients; return their outcome."""
        self._outcome.readers_disconnected = sum(
            each.is_disconnected for each in self._stream_clients if not each.is_stalled
        )
        for task in self._running:
            task.cancel()
        return self._outcome

    @property
    def _are_buffers_full(self) -> bool:
        return min(each.octets for each in self._stream_clients if not each.is_stalled) >= _FULL_OCTETS

    async def _open_streams(self) -> None:
        crowd = self._crowd
        numbers = iter(range(crowd.streams))
        while batch := list(itertools.islice(numbers, _AT_ONCE)):
            self._stream_clients += await asyncio.gather(
                *(
                    open_stream(
                        *self._http,
                        self._outcome.addresses[number % crowd.large],
                        client=f"198.51.100.{1 + number // _CLIENT_STREAMS}",
                        is_stalled=number // crowd.large % (crowd.streams // crowd.stalled) == 0,
                    )
                    for number in batch
                )
            )

    async def _send_large(self, address: str, local_address: str) -> None:
        """Send message after message, in a new session after each reply that is not 250."""
        while True:
            await self._run_session(self._messages(address, self._large, most=1_000), local_address)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _send_texts(self, local_address: str) -> None:
        for address in itertools.cycle(self._outcome.addresses):
            await self._run_session(self._messages(address, _FIELDS + _TEXT, most=1), local_address)
            # At first without pauses, to fill the buffers.
            await asyncio.sleep(1 / self._crowd.texts_per_second if self._are_buffers_full else 0)

    async def _run_session(self, dialogue: Dialogue, local_address: str) -> None:
        try:
            session = await connect(*self._smtp, dialogue, local_address=local_address)
        except OSError:
            return
        await session.is_over.wait()
        session.close()

    def _messages(self, address: str, content: bytes, *, most: int) -> Dialogue:
        """Send up to `most` messages that differ in their last line only, until one is not acknowledged."""
        hash_before = hashlib.sha256(content)
        yield ()
        yield (b"EHLO hostile.test\r\n",)
        for number in itertools.islice(self._numbers, most):
            last = b"message %d\r\n" % number
            code = yield (b"MAIL FROM:<> SIZE=%d\r\n" % (len(content) + len(last)),)
            if code == 250:
                code = yield (f"RCPT TO:<{address}>\r\n".encode(),)
            if code == 250:
                code = yield (b"DATA\r\n",)
            if code == 354:
                code = yield content, last, b".\r\n"
            self._outcome.replies[code] += 1
            if code != 250:
                return
            whole = hash_before.copy()
            whole.update(last)
            self._outcome.content_sha256s.append(whole.hexdigest())


def _local_addresses() -> Iterator[str]:
    """Yield an address of this host for each session, within the limit of sessions for each address.

    The whole of 127.0.0.0/8 belongs to this host.
    """
    for number in itertools.count():
        client = number // _CLIENT_SESSIONS
        yield f"127.0.{1 + client // 250}.{1 + client % 250}"


def _large(octets: int) -> bytes:
    """Return a message with a text and an attachment, without its last line."""
    content = _FIELDS + _MULTIPART + _TEXT + _ATTACHMENT
    return content + (octets - len(content)) // len(_BASE64_LINE) * _BASE64_LINE


async def _run_commands() -> None:
    start = msgspec.json.decode(sys.stdin.readline(), type=Start)
    async with asyncio.TaskGroup() as tasks:
        hostile_clients = HostileClients(start, tasks)
        await hostile_clients.begin()
        print("started", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        print(msgspec.json.encode(hostile_clients.end()).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(_run_commands())
