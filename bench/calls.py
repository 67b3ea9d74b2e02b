"""Calls of HTTP to servers that run side by side: how many a second, and how many for each second of their CPU."""

import asyncio
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
import psutil
import uvloop
from support.harness import Pair, deadline, free_port

from bench import contestants

_CONNECTIONS = 16
_SECONDS = 0.5
_LONE_CALLS = 200
_ANSWER_OCTETS = 1_048_576


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A server and its main process."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """What its workers took so far."""
        times = [worker.cpu_times() for worker in self.process.children(recursive=True)]
        return sum(each.user + each.system for each in times)


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Answers, for each second that went by and for each second of CPU that the workers took."""

    per_second: float
    per_cpu_second: float


def ours(pair: Pair) -> Served:
    """The pair's http-api."""
    return Served(port=int(pair.environ["HTTP_PORT"]), process=psutil.Process(pair.services[-1].pid))


@contextmanager
def beside(pair: Pair, module: str) -> Iterator[Served]:
    """A server of the benchmark with the pair's settings on a port of its own, ready."""
    port = free_port()
    environ = [f"{name}={value}" for name, value in {**pair.environ, "HTTP_PORT": str(port)}.items()]
    with contestants.program(["env", *environ, *contestants.module(module)]) as process:
        for _ in deadline():
            if _answers(port):
                break
        try:
            yield Served(port=port, process=psutil.Process(process.pid))
        finally:
            process.terminate()
            _wait(process)


def in_turn(servers: Mapping[str, tuple[Served, str]], turn: int) -> dict[str, Rate]:
    """The rate of each server at the path that stands beside it; who is first changes with `turn`."""
    # So nobody always follows the same neighbour.
    names = list(servers)[:: -1 if turn % 2 else 1]
    return {name: rate(*servers[name]) for name in names}


def rate(server: Served, path: str) -> Rate:
    """What comes of clients that ask again as soon as they have an answer."""
    cpu_seconds, began_at = server.cpu_seconds(), time.monotonic()
    count = uvloop.run(_ask_at_once(server.port, path))
    return Rate(
        per_second=count / (time.monotonic() - began_at), per_cpu_second=count / (server.cpu_seconds() - cpu_seconds)
    )


def waits(server: Served, path: str) -> list[float]:
    """The seconds that one client waited for each answer, when nobody else asks."""
    return uvloop.run(_ask_alone(server.port, path))


async def _ask_alone(port: int, path: str) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_ANSWER_OCTETS)
    found = []
    for _ in range(_LONE_CALLS):
        began_at = time.monotonic()
        await answer(reader, writer, path)
        found.append(time.monotonic() - began_at)
    writer.close()
    return found


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> bytes:
    """The body that comes of a GET."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))


async def ask(port: int, path: str, until: float) -> int:
    """How many answers one client had by then, on the monotonic clock."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_ANSWER_OCTETS)
    count = 0
    while time.monotonic() < until:
        await answer(reader, writer, path)
        count += 1
    writer.close()
    return count


async def _ask_at_once(port: int, path: str) -> int:
    until = time.monotonic() + _SECONDS
    return sum(await asyncio.gather(*(ask(port, path, until) for _ in range(_CONNECTIONS))))


def _answers(port: int) -> bool:
    try:
        return uvloop.run(ask(port, "/", time.monotonic() + 0.01)) > 0
    except OSError:
        return False


def _wait(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
