"""The time until the reply to a NOOP while other sessions send large messages, in milliseconds.

p99/at rest: the ratio of a row's p99 to the p99 without other sessions.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator

import uvloop
from support.harness import Pair
from support.smtp_client import SmtpClient

from bench import contestants, turns
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
    with contestants.program(contestants.module("bench.load")) as load:
        yield row("ms until the reply to a NOOP", "p50", "p99", "max", "p99/at rest")
        at_rest = uvloop.run(_waits(pair.smtp_port))
        yield _row("at rest", at_rest, at_rest)
        for (label, octets), sessions in itertools.product(_OCTETS.items(), _SESSIONS):
            order = Order(
                port=pair.smtp_port,
                sessions=sessions,
                closes_after_message=False,
                seconds=_SECONDS,
                recipients=recipients,
                octets=octets,
            )
            turns.begin(load, order)
            waits = uvloop.run(_waits(pair.smtp_port))
            acknowledged += turns.end(load).acknowledged
            yield _row(f"messages of {label}, sessions: {sessions}", waits, at_rest)
    yield turns.counted(pair, recipients, acknowledged)


def _row(label: str, waits: list[float], at_rest: list[float]) -> str:
    p99 = percentile(waits, 99)
    return row(label, percentile(waits, 50), p99, max(waits), p99 / percentile(at_rest, 99))


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
