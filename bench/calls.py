"""Call HTTP servers that run side by side: responses per second, and per second of their CPU time."""

import asyncio
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
import psutil
import uvloop
from support.harness import Pair, free_port
from support.waiting import deadline

from bench import contestants, cpu_time

_CONNECTIONS = 16
_SECONDS = 0.5
_SEQUENTIAL_CALLS = 200
_RESPONSE_OCTETS = 1_048_576


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A server and its main process."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """The CPU time that its workers have used so far."""
        return sum(map(cpu_time.own_seconds, self.process.children(recursive=True)))


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Responses per second of elapsed time, and per second of CPU time of the workers."""

    per_second: float
    per_cpu_second: float


def ours(pair: Pair) -> Served:
    """The pair's http-api."""
    return Served(port=int(pair.environ["HTTP_PORT"]), process=psutil.Process(pair.services[-1].pid))


@contextmanager
def beside(pair: Pair, module: str) -> Iterator[Served]:
    """Run a server module of the benchmark with the pair's settings on another port; yields when it is ready."""
    port = free_port()
    environ = [f"{name}={value}" for name, value in {**pair.environ, "HTTP_PORT": str(port)}.items()]
    with contestants.program(["env", *environ, *contestants.module(module)]) as process:
        for _ in deadline():
            if _responds(port):
                break
        try:
            yield Served(port=port, process=psutil.Process(process.pid))
        finally:
            process.terminate()
            _wait(process)


def in_turn(servers: Mapping[str, tuple[Served, str]], turn: int) -> dict[str, Rate]:
    """The rate of each server for its path; odd turns measure the servers in reverse order."""
    # The order alternates so that no server is always measured after the same other one.
    names = list(servers)[:: -1 if turn % 2 else 1]
    return {name: rate(*servers[name]) for name in names}


def rate(server: Served, path: str) -> Rate:
    """The rate with 16 clients, each of which calls again as soon as it has a response."""
    cpu_seconds, began_at = server.cpu_seconds(), time.monotonic()
    count = uvloop.run(_call_concurrently(server.port, path))
    return Rate(
        per_second=count / (time.monotonic() - began_at), per_cpu_second=count / (server.cpu_seconds() - cpu_seconds)
    )


def waits(server: Served, path: str) -> list[float]:
    """The seconds that a single client waits for each response when the server has no other clients."""
    return uvloop.run(_call_sequentially(server.port, path))


async def _call_sequentially(port: int, path: str) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_RESPONSE_OCTETS)
    seconds = []
    for _ in range(_SEQUENTIAL_CALLS):
        began_at = time.monotonic()
        await get(reader, writer, path)
        seconds.append(time.monotonic() - began_at)
    writer.close()
    return seconds


async def get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> bytes:
    """Send a GET and return the body of the response."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))


async def call_until(port: int, path: str, until: float) -> int:
    """The number of responses that one client receives until that time of the monotonic clock."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_RESPONSE_OCTETS)
    count = 0
    while time.monotonic() < until:
        await get(reader, writer, path)
        count += 1
    writer.close()
    return count


async def _call_concurrently(port: int, path: str) -> int:
    until = time.monotonic() + _SECONDS
    return sum(await asyncio.gather(*(call_until(port, path, until) for _ in range(_CONNECTIONS))))


def _responds(port: int) -> bool:
    try:
        return uvloop.run(call_until(port, "/", time.monotonic() + 0.01)) > 0
    except OSError:
        return False


def _wait(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
