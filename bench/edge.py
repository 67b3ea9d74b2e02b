"""Calls a second of CPU with the limits and security headers that every call passes, and without."""

import asyncio
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
import psutil
import uvloop
from harness import Pair, deadline, free_port

from bench import contestants
from bench.figures import make_mailboxes, row

_CONNECTIONS = 16
# Many short ones, in which the two take turns.
_ROUNDS = 11
_SECONDS = 0.5
_SERVERS = ("with", "without")


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A service, and its main process."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """What its workers took so far."""
        times = [worker.cpu_times() for worker in self.process.children(recursive=True)]
        return sum(each.user + each.system for each in times)


def measure(pair: Pair) -> Iterator[str]:
    """A table of medians; what counts is the CPU that the service took, so neither the load nor a neighbour does."""
    address = make_mailboxes(pair, 1)[0]
    calls = {"a call that does not exist": "/nowhere", "poll of an empty mailbox": f"/api/inbox/poll?address={address}"}
    with _unguarded(pair) as unguarded:
        guarded = Served(port=int(pair.environ["HTTP_PORT"]), process=psutil.Process(pair.services[-1].pid))
        servers = {"with": guarded, "without": unguarded}
        yield row("calls/CPU second, edge", *_SERVERS, "with/without")
        for label, path in calls.items():
            rounds = [_round(servers, path, turn) for turn in range(_ROUNDS)]
            rates = [statistics.median(each[name] for each in rounds) for name in _SERVERS]
            yield row(label, *rates, statistics.median(each["with"] / each["without"] for each in rounds))


@contextmanager
def _unguarded(pair: Pair) -> Iterator[Served]:
    """The same service without its edge, ready."""
    port = free_port()
    environ = [f"{name}={value}" for name, value in {**pair.environ, "HTTP_PORT": str(port)}.items()]
    with contestants.program(["env", *environ, *contestants.module("bench.unguarded")]) as process:
        for _ in deadline():
            if _answers(port):
                break
        try:
            yield Served(port=port, process=psutil.Process(process.pid))
        finally:
            process.terminate()
            _wait(process)


def _round(servers: Mapping[str, Served], path: str, turn: int) -> dict[str, float]:
    # Who is first changes, so that nobody always follows the same neighbour.
    names = _SERVERS[:: -1 if turn % 2 else 1]
    return {name: _rate(servers[name], path) for name in names}


def _rate(server: Served, path: str) -> float:
    """Answers, for each second of CPU, to clients that ask again as soon as they have one."""
    before = server.cpu_seconds()
    count = uvloop.run(_ask_at_once(server.port, path))
    return count / (server.cpu_seconds() - before)


async def _ask_at_once(port: int, path: str) -> int:
    until = time.monotonic() + _SECONDS
    return sum(await asyncio.gather(*(_ask(port, path, until) for _ in range(_CONNECTIONS))))


async def _ask(port: int, path: str, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    call = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n".encode()
    count = 0
    while time.monotonic() < until:
        writer.write(call)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        count += 1
    writer.close()
    return count


def _answers(port: int) -> bool:
    try:
        return uvloop.run(_ask(port, "/api/health", time.monotonic() + 0.01)) > 0
    except OSError:
        return False


def _wait(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
