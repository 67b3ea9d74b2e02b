"""Neighbours nobody wishes for, in a process of their own: python -m faults.hostile_load.

It is told a Start, a line of JSON, answers with a line when all of them are at it, and a Stop with a Met.
"""

import asyncio
import hashlib
import itertools
import sys
from collections import defaultdict
from collections.abc import Coroutine, Iterator

import msgspec
import uvloop

from faults.readers import Readers
from faults.slow_clients import KINDS, be_slow
from faults.smtp_session import Dialogue, connect
from faults.stream_clients import Listener, listen

_AGAIN_SECONDS = 0.5
_TURN_SECONDS = 0.05
_PATIENCE_SECONDS = 120.0
_CLIENT_SESSIONS = 20
_CLIENT_STREAMS = 100
_AT_ONCE = 20
# For each of those that read nothing: more than all the buffers on the way hold.
_DUE_OCTETS = 300_000
_FIELDS = b"From: Neighbour <neighbour@client.test>\r\nSubject: to your attention\r\n"
_TEXT = b"\r\n" + b"All work and no play makes for a long and even text without any surprise.\r\n" * 800
_MULTIPART = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=limit\r\n\r\n--limit\r\n"
_ATTACHMENT = b"--limit\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n"
_BASE64_LINE = b"QUJD" * 19 + b"\r\n"


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """How many there are: slow clients, senders of large messages, streams of which `deaf` read nothing.

    `texts_per_second` is how much mail comes to the streams beside the large messages.
    """

    slow: int
    large: int
    large_octets: int
    streams: int
    deaf: int
    texts_per_second: float


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Where they go."""

    smtp: tuple[str, int]
    http: tuple[str, int]
    crowd: Crowd


class Stop(msgspec.Struct, frozen=True):
    """It is enough."""


class Met(msgspec.Struct, kw_only=True):
    """What they met: replies to messages, the hashes of those taken and where to, how many were cut that did read."""

    replies: dict[int, int] = msgspec.field(default_factory=lambda: defaultdict(int))
    content_sha256s: list[str] = msgspec.field(default_factory=list)
    addresses: list[str] = msgspec.field(default_factory=list)
    readers_cut: int = 0


class Neighbours:
    """All of them, from `begin` until their tasks are cancelled."""

    def __init__(self, start: Start, tasks: asyncio.TaskGroup) -> None:
        self._smtp = start.smtp
        self._http = start.http
        self._crowd = start.crowd
        self._tasks = tasks
        self._met = Met()
        self._numbers = itertools.count(1)
        self._listeners: list[Listener] = []
        self._helpers: list[asyncio.Task[None]] = []
        self._large = _large(start.crowd.large_octets)

    async def begin(self) -> None:
        """Return when all of them are at it, and mail is due to those that read nothing."""
        crowd = self._crowd
        readers = Readers(f"http://{self._http[0]}:{self._http[1]}")
        self._met.addresses = [(await readers.make_mailbox(private=False)).address for _ in range(crowd.large)]
        await readers.http.aclose()
        to, sources = itertools.cycle(self._met.addresses), _sources()
        runs: list[Coroutine[None, None, None]] = []
        for _, kind, source in zip(range(crowd.slow), itertools.cycle(KINDS), sources, strict=False):
            host, port = self._http if kind.is_http else self._smtp
            runs.append(be_slow(kind, host, port, source=source, address=next(to)))
        await self._listen()
        for address, source in zip(self._met.addresses, sources, strict=False):
            runs.append(self._send_large(address, source))
        runs.append(self._send_texts(next(sources)))
        self._helpers += [self._tasks.create_task(run) for run in runs]
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not (self._is_due and self._met.replies[250]):  # noqa: ASYNC110  # told by many
                await asyncio.sleep(_TURN_SECONDS)

    def end(self) -> Met:
        """End them all; what they met."""
        self._met.readers_cut = sum(each.is_cut for each in self._listeners if not each.is_deaf)
        for task in self._helpers:
            task.cancel()
        return self._met

    @property
    def _is_due(self) -> bool:
        return min(each.octets for each in self._listeners if not each.is_deaf) >= _DUE_OCTETS

    async def _listen(self) -> None:
        crowd = self._crowd
        numbers = iter(range(crowd.streams))
        while batch := list(itertools.islice(numbers, _AT_ONCE)):
            self._listeners += await asyncio.gather(
                *(
                    listen(
                        *self._http,
                        self._met.addresses[number % crowd.large],
                        client=f"198.51.100.{1 + number // _CLIENT_STREAMS}",
                        is_deaf=number // crowd.large % (crowd.streams // crowd.deaf) == 0,
                    )
                    for number in batch
                )
            )

    async def _send_large(self, address: str, source: str) -> None:
        """Message after message; when one is put off, another time."""
        while True:
            await self._converse(self._messages(address, self._large, most=1_000), source)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _send_texts(self, source: str) -> None:
        for address in itertools.cycle(self._met.addresses):
            await self._converse(self._messages(address, _FIELDS + _TEXT, most=1), source)
            # First as fast as it goes, so that mail is due to all of them.
            await asyncio.sleep(1 / self._crowd.texts_per_second if self._is_due else 0)

    async def _converse(self, dialogue: Dialogue, source: str) -> None:
        try:
            conversation = await connect(*self._smtp, dialogue, source=source)
        except OSError:
            return
        await conversation.is_over.wait()
        conversation.close()

    def _messages(self, address: str, content: bytes, *, most: int) -> Dialogue:
        """So many of the same content but for the end, as long as they are taken."""
        known = hashlib.sha256(content)
        yield ()
        yield (b"EHLO neighbour.test\r\n",)
        for number in itertools.islice(self._numbers, most):
            last = b"message %d\r\n" % number
            code = yield (b"MAIL FROM:<> SIZE=%d\r\n" % (len(content) + len(last)),)
            if code == 250:
                code = yield (f"RCPT TO:<{address}>\r\n".encode(),)
            if code == 250:
                code = yield (b"DATA\r\n",)
            if code == 354:
                code = yield content, last, b".\r\n"
            self._met.replies[code] += 1
            if code != 250:
                return
            whole = known.copy()
            whole.update(last)
            self._met.content_sha256s.append(whole.hexdigest())


def _sources() -> Iterator[str]:
    """Addresses to send from, as many as it takes for what one of them may have; 127.0.0.0/8 is all this host's."""
    for number in itertools.count():
        client = number // _CLIENT_SESSIONS
        yield f"127.0.{1 + client // 250}.{1 + client % 250}"


def _large(octets: int) -> bytes:
    """A text and an attachment, all but the last line."""
    content = _FIELDS + _MULTIPART + _TEXT + _ATTACHMENT
    return content + (octets - len(content)) // len(_BASE64_LINE) * _BASE64_LINE


async def _obey() -> None:
    start = msgspec.json.decode(sys.stdin.readline(), type=Start)
    async with asyncio.TaskGroup() as tasks:
        neighbours = Neighbours(start, tasks)
        await neighbours.begin()
        print("at it", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        print(msgspec.json.encode(neighbours.end()).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(_obey())
