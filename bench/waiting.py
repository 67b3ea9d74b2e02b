"""The time until the reply to a NOOP while other sessions send large messages, in milliseconds.

p99/at rest: the ratio of a row's p99 to the p99 without other sessions. loop: the longest hold of the daemon's event
loop, as CPU time of its thread. process: the same as CPU time of all its threads, one of which may have held the
interpreter. These two do not count what other processes of the machine do; clock, the elapsed time, does.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec
import uvloop
from support.harness import Pair, free_port
from support.smtp_client import SmtpClient
from support.waiting import deadline

from bench import contestants, turns
from bench.clocked_ingest import Held
from bench.figures import make_mailboxes, percentile, row
from bench.load import Order

_OCTETS = {"1 MiB": 1_048_576, "20 MiB": 20_971_520}
_SESSIONS = (1, 4)
_SECONDS = 2.5
# Between the due times of two NOOPs.
_INTERVAL_SECONDS = 0.005


def measure(pair: Pair) -> Iterator[str]:
    """A table of milliseconds; raises Lost when the mailbox holds more or fewer messages than were acknowledged."""
    recipients = tuple(make_mailboxes(pair, 1))
    acknowledged = 0
    with _clocked(pair) as (port, clock_port), contestants.program(contestants.module("bench.load")) as load:
        yield row("ms until the reply to a NOOP", "p50", "p99", "max", "p99/at rest", "loop", "process", "clock")
        at_rest = uvloop.run(_waits(port))
        yield _row("at rest", at_rest, at_rest, uvloop.run(_held(clock_port)))
        for (label, octets), sessions in itertools.product(_OCTETS.items(), _SESSIONS):
            order = Order(
                port=port,
                sessions=sessions,
                closes_after_message=False,
                seconds=_SECONDS,
                recipients=recipients,
                octets=octets,
            )
            turns.begin(load, order)
            waits = uvloop.run(_waits(port))
            acknowledged += turns.end(load).acknowledged
            yield _row(f"messages of {label}, sessions: {sessions}", waits, at_rest, uvloop.run(_held(clock_port)))
    yield turns.counted(pair, recipients, acknowledged)


def _row(label: str, waits: list[float], at_rest: list[float], held: Held) -> str:
    p99 = percentile(waits, 99)
    holds = (each * 1_000 for each in (held.loop_seconds, held.process_seconds, held.seconds))
    return row(label, percentile(waits, 50), p99, max(waits), p99 / percentile(at_rest, 99), *holds)


@contextmanager
def _clocked(pair: Pair) -> Iterator[tuple[int, int]]:
    """Run a clocked smtp-ingest with the pair's settings, and yield its port and that of its clock."""
    port, clock_port = free_port(), free_port()
    environ = pair.environ | {"SMTP_PORT": str(port), "CLOCK_PORT": str(clock_port)}
    settings = (f"{name}={value}" for name, value in environ.items())
    with contestants.program(["env", *settings, *contestants.module("bench.clocked_ingest")]):
        for _ in deadline():
            with suppress(OSError):
                uvloop.run(_held(clock_port))
                break
        else:
            raise TimeoutError("smtp-ingest did not start")
        yield port, clock_port


async def _held(clock_port: int) -> Held:
    """The longest hold since the last such call."""
    reader, writer = await asyncio.open_connection("127.0.0.1", clock_port)
    told = await reader.read()
    writer.close()
    return msgspec.json.decode(told, type=Held)


async def _waits(port: int) -> list[float]:
    """The waits in milliseconds; a NOOP that is due while an earlier one waits counts from its due time."""
    waits = []
    async with SmtpClient.connect(port) as client:
        due_at = time.monotonic()
        for _ in range(int(_SECONDS / _INTERVAL_SECONDS)):
            due_at += _INTERVAL_SECONDS
            left = due_at - time.monotonic()
            if left > 0:
                await asyncio.sleep(left)
            # After a sleep the time counts from the wake-up: a late wake-up is not the daemon's fault.
            asked_at = time.monotonic() if left > 0 else due_at
            await client.command("NOOP")
            waits.append((time.monotonic() - asked_at) * 1_000)
    return waits
