"""Measure servers in turns under the same load, so that other load on this machine affects all of them alike."""

import statistics
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec
import psycopg
from support.harness import Pair

from bench import contestants
from bench.figures import Lost, row
from bench.load import Order, Result

# A share of a core: above it, the load generator limits the figures.
_STRAINED = 0.9

_COUNT = """
    SELECT count(*)
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE mailbox.address = ANY(%(addresses)s)
"""

# A Result for each server, by its name; the first is ours.
Round = Mapping[str, Result]


def rounds(load: subprocess.Popen[str], ports: Mapping[str, int], order: Order, count: int) -> list[Round]:
    """Give `order` to each server `count` times, and return the results."""
    return [_round(load, ports, order, turn) for turn in range(count)]


def begin(load: subprocess.Popen[str], order: Order) -> None:
    """Give `order` to the load generator; `end` waits for its result."""
    if load.stdin:
        load.stdin.write(msgspec.json.encode(order).decode() + "\n")
        load.stdin.flush()


def end(load: subprocess.Popen[str]) -> Result:
    return msgspec.json.decode(contestants.said(load), type=Result)


def compared(label: str, rounds: Sequence[Round], rate: Callable[[Result], float]) -> str:
    """A row of medians: the rate of each server, then ours in relation to each of the others."""
    rates, ratios = [], []
    for name in rounds[0]:
        rates.append(statistics.median(rate(each[name]) for each in rounds))
        ratios.append(statistics.median(rate(each["ours"]) / rate(each[name]) for each in rounds))
    return row(label, *rates, *ratios[1:])


def heading(label: str, ports: Mapping[str, int]) -> str:
    """The heading of the rows of `compared`."""
    return row(label, *ports, *(f"ours/{name}" for name in list(ports)[1:]))


def orders(
    kinds: Iterable[tuple[int, bool]], *, seconds: float, recipients: tuple[str, ...], is_tls: bool = False
) -> list[Order]:
    """An order for each number of concurrent sessions, and whether a session ends after one message."""
    return [
        Order(
            port=0,
            sessions=sessions,
            closes_after_message=closes_after_message,
            seconds=seconds,
            recipients=recipients,
            is_tls=is_tls,
        )
        for sessions, closes_after_message in kinds
    ]


def table(
    pair: Pair,
    title: str,
    ports: Mapping[str, int],
    orders: Iterable[Order],
    *,
    count: int,
    label: Callable[[Order], str],
    rate: Callable[[Order, Result], float],
) -> Iterator[str]:
    """A table of medians of `count` rounds, with a row for each order, which give the same recipients.

    Raises Lost when the mailboxes hold more or fewer messages than were acknowledged.
    """
    all_rounds: list[Round] = []
    recipients: Sequence[str] = ()
    with contestants.program(contestants.module("bench.load")) as load:
        yield heading(title, ports)
        for order in orders:
            now = rounds(load, ports, order, count)
            all_rounds += now
            recipients = order.recipients
            yield compared(label(order), now, partial(rate, order))
    yield from _strained(all_rounds)
    yield counted(pair, recipients, sum(each["ours"].acknowledged for each in all_rounds))


def session_label(order: Order) -> str:
    """The label of a row for the number of concurrent sessions of an order."""
    plural = "s" if order.sessions > 1 else ""
    return f"{order.sessions} session{plural}, {'one message' if order.closes_after_message else 'many messages'} each"


def per_second(_order: Order, result: Result) -> float:
    """The messages a second."""
    return result.per_second


def _strained(rounds: Sequence[Round]) -> Iterator[str]:
    """A line for each server that was faster than the load generator in some rounds."""
    for name in rounds[0]:
        count = sum(each[name].busy > _STRAINED for each in rounds)
        if count:
            yield f"  {name} may be faster: the load generator was at its limit in {count} of {len(rounds)} rounds"


def counted(pair: Pair, addresses: Sequence[str], acknowledged: int) -> str:
    """A line with both numbers; raises Lost when the mailboxes hold more or fewer messages than were acknowledged."""
    with psycopg.connect(pair.environ["DATABASE_URL"]) as connection:
        count = connection.execute(_COUNT, {"addresses": list(addresses)}).fetchone()
    stored = int(count[0]) if count else 0
    if stored != acknowledged:
        raise Lost(f"{acknowledged} messages were acknowledged, {stored} are in the table")
    return f"  {acknowledged} messages acknowledged by ours, {stored} stored"


def _round(load: subprocess.Popen[str], ports: Mapping[str, int], order: Order, turn: int) -> Round:
    # The order alternates so that no server is always measured after the same other one.
    names = list(ports)[:: -1 if turn % 2 else 1]
    results = {}
    for name in names:
        begin(load, msgspec.structs.replace(order, port=ports[name]))
        results[name] = end(load)
    return {name: results[name] for name in ports}
