"""The memory of http-api, and another client's slowest call, while hostile clients read nothing of large responses.

growth: the most memory of the worker above that before the first attack. The other client polls a mailbox, and opens a
message and its HTML, again and again. refused: the responses to the hostile clients that were `503`.
"""

import asyncio
import itertools
import socket
import time
from collections.abc import Iterator, Sequence

import msgspec
import psutil
import uvloop
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair

from bench import calls
from bench.figures import row

_SECONDS = 6.0
_PAUSE_SECONDS = 0.05
_SETTLE_SECONDS = 2.0
# Control characters, each six in JSON; HTML that takes long to make safe.
_TEXT = "\x01" * 1_000_000
_HTML = "<p style='color:red'>" * 45_000
_PAGE_MESSAGES = 30


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """So many calls of these paths, one after another, whose responses nobody reads."""

    label: str
    paths: Sequence[str]
    count: int


class Seen(msgspec.Struct, kw_only=True):
    """The most memory during an attack, the slowest call of the other client, and the refusals of both."""

    octets: int = 0
    slowest_seconds: float = 0.0
    others_refused: int = 0
    refused: int = 0


def measure(pair: Pair) -> Iterator[str]:
    """A table of MB and seconds for each attack, from one client and from 50."""
    [worker] = psutil.Process(pair.services[1].pid).children()
    attacks, ordinary = uvloop.run(_prepare(pair))
    idle = worker.memory_info().rss
    yield row("unread", "growth, MB", "slowest, s", "others 503", "refused")
    for attack, clients in itertools.product(attacks, (1, 50)):
        seen = uvloop.run(_attack(pair, worker, attack, ordinary, clients))
        yield row(
            f"{attack.label}, {clients} client{'s' if clients > 1 else ''}",
            (seen.octets - idle) / 1_000_000,
            seen.slowest_seconds,
            float(seen.others_refused),
            float(seen.refused),
        )


async def _prepare(pair: Pair) -> tuple[list[Attack], list[str]]:
    """The attacks, and the paths of the other client."""
    heavy = [make_mailbox(pair.database_url) for _ in range(4)]
    for address in heavy:
        await store(pair.database_url, address, *(_heavy(number) for number in range(_PAGE_MESSAGES)))
    small = make_mailbox(pair.database_url)
    await store(pair.database_url, small, _html("<p>hello</p>", "", 0))
    heavy_ids = await _ids(pair, f"/api/inbox/poll?address={heavy[0]}&limit=1")
    [small_id] = await _ids(pair, f"/api/inbox/poll?address={small}")
    messages = [f"/api/messages/{each}" for each in heavy_ids]
    polls = [f"/api/inbox/poll?address={each}&limit=30" for each in heavy]
    waits = [f"/api/inbox/wait?address={each}&text=/x|%01/" for each in heavy]
    streams = [f"/api/inbox/stream?address={each}" for each in heavy]
    pages = [f"{each}/html" for each in messages]
    attacks = [
        Attack(label="100 messages", paths=messages, count=100),
        Attack(label="10 polls", paths=polls, count=10),
        Attack(label="200 waits", paths=waits, count=200),
        Attack(label="60 streams", paths=streams, count=60),
        Attack(label="40 pages of HTML", paths=pages, count=40),
        Attack(label="60 HEADs of polls", paths=[f"HEAD {each}" for each in polls], count=60),
        Attack(label="mixed", paths=[*messages, *polls, *waits, *streams, *pages], count=300),
    ]
    opened = f"/api/messages/{small_id}"
    return attacks, [f"/api/inbox/poll?address={small}", opened, f"{opened}/html"]


async def _ids(pair: Pair, path: str) -> list[str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", calls.ours(pair).port, limit=2**26)
    body = msgspec.json.decode(await calls.get(reader, writer, path))
    writer.close()
    return [each["id"] for each in body["messages"]]


async def _attack(pair: Pair, worker: psutil.Process, attack: Attack, ordinary: Sequence[str], clients: int) -> Seen:
    port = calls.ours(pair).port
    seen, sockets = Seen(), list[socket.socket]()
    is_over = False

    async def watch() -> None:
        while not is_over:
            seen.octets = max(seen.octets, worker.memory_info().rss)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def call() -> None:
        for path in itertools.cycle(ordinary):
            if is_over:
                return
            began_at = time.monotonic()
            status = await _status(port, path)
            seen.slowest_seconds = max(seen.slowest_seconds, time.monotonic() - began_at)
            seen.others_refused += status == 503
            await asyncio.sleep(_PAUSE_SECONDS)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        tasks.create_task(call())
        for number, path in zip(range(attack.count), itertools.cycle(attack.paths), strict=False):
            sockets.append(_ask(port, path, f"198.51.100.{1 + number % clients}"))
            if number % 20 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(_SECONDS)
        is_over = True
    seen.refused = sum(map(_is_refused, sockets))
    for each in sockets:
        each.close()
    await asyncio.sleep(_SETTLE_SECONDS)
    return seen


def _ask(port: int, path: str, client: str) -> socket.socket:
    """A connection that sends a request, and whose kernel buffers little of the response."""
    method, _, target = path.rpartition(" ")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(
        f"{method or 'GET'} {target} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n\r\n".encode()
    )
    return connection


def _is_refused(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(16).startswith(b"HTTP/1.1 503")
    except OSError:
        return False


async def _status(port: int, path: str) -> int:
    """The status of a call of the other client, on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n".encode()
    )
    status = int((await reader.read()).split(b" ", 2)[1])
    writer.close()
    return status


def _heavy(number: int) -> bytes:
    return _html(_HTML, _TEXT, number)


def _html(html: str, text: str, number: int) -> bytes:
    """A message with this text and this HTML."""
    head = message(f"{number}", "").replace(
        b"\r\n\r\n", b"\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n", 1
    )
    parts = [("text/plain", text or "hello"), ("text/html", html)]
    written = (f"--b\r\nContent-Type: {kind}\r\n\r\n{body}\r\n".encode() for kind, body in parts)
    return head + b"".join(written) + b"--b--\r\n"
