"""The servers take turns under the same load, so that what else this machine does passes over all of them alike."""

import statistics
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import psycopg
from support.harness import Pair

from bench import contestants
from bench.figures import Lost, row
from bench.load import Order, Result

# Of a core; past it the load is what is measured.
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
    """What comes of `order` when each server gets it so many times."""
    return [_round(load, ports, order, turn) for turn in range(count)]


def begin(load: subprocess.Popen[str], order: Order) -> None:
    """Have it obeyed; the `end` tells what came of it."""
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
    """What stands over such rows."""
    return row(label, *ports, *(f"ours/{name}" for name in list(ports)[1:]))


def strained(rounds: Sequence[Round]) -> Iterator[str]:
    """Which servers were faster than the load, in how many rounds."""
    for name in rounds[0]:
        count = sum(each[name].busy > _STRAINED for each in rounds)
        if count:
            yield f"  {name} could do more: the load was out of breath in {count} of {len(rounds)} rounds"


def counted(pair: Pair, addresses: Sequence[str], acknowledged: int) -> str:
    """Raises Lost when the mailboxes hold more or less than was acknowledged."""
    with psycopg.connect(pair.environ["DATABASE_URL"]) as connection:
        found = connection.execute(_COUNT, {"addresses": list(addresses)}).fetchone()
    stored = int(found[0]) if found else 0
    if stored != acknowledged:
        raise Lost(f"{acknowledged} messages were acknowledged, {stored} are in the table")
    return f"  {acknowledged} acknowledged by ours, {stored} in the table"


def _round(load: subprocess.Popen[str], ports: Mapping[str, int], order: Order, turn: int) -> Round:
    # Who is first changes, so that nobody always follows the same neighbour.
    names = list(ports)[:: -1 if turn % 2 else 1]
    results = {}
    for name in names:
        begin(load, msgspec.structs.replace(order, port=ports[name]))
        results[name] = end(load)
    return {name: results[name] for name in ports}
