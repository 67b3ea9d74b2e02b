"""Messages a second: ours, which commits each, against servers that keep nothing."""

import itertools
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import psycopg
from harness import Pair

from bench import contestants
from bench.figures import Lost, make_mailboxes, row
from bench.load import Order, Result
from bench.mail import MESSAGE_OCTETS

_SESSIONS = (1, 10, 50)
# Many short ones: what else this machine does passes over all servers alike.
_ROUNDS = 7
_SECONDS = 0.6
_MAILBOXES = 200
# Of a core; past it the load is what is measured.
_STRAINED = 0.9

_COUNT = """
    SELECT count(*)
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE mailbox.address = ANY(%(addresses)s)
"""

# One for each server, by its name.
Round = Mapping[str, Result]


def measure(pair: Pair) -> Iterator[str]:
    """A table of medians over short rounds, in each of which the servers take turns.

    Raises Lost when the table of messages holds more or less than was acknowledged.
    """
    recipients = tuple(make_mailboxes(pair, _MAILBOXES))
    rounds: list[Round] = []
    with (
        contestants.bare() as bare,
        contestants.sink() as sink,
        contestants.program(contestants.module("bench.load")) as load,
    ):
        ports = {"ours": pair.smtp_port, "bare": bare} | ({"sink": sink} if sink else {})
        yield row(f"messages/s of {MESSAGE_OCTETS} octets", *ports, *(f"ours/{name}" for name in list(ports)[1:]))
        for is_one_a_connection, sessions in itertools.product((True, False), _SESSIONS):
            order = Order(
                port=0,
                sessions=sessions,
                is_one_a_connection=is_one_a_connection,
                seconds=_SECONDS,
                recipients=recipients,
            )
            now = [_round(load, ports, order, turn) for turn in range(_ROUNDS)]
            rounds += now
            yield _row(order, now)
    if sink is None:
        yield f"  {contestants.MISSING_SINK}"
    for name in ports:
        strained = sum(each[name].busy > _STRAINED for each in rounds)
        if strained:
            yield f"  {name} could do more: the load was out of breath in {strained} of {len(rounds)} rounds"
    yield _count(pair, recipients, sum(each["ours"].acknowledged for each in rounds))


def _round(load: subprocess.Popen[str], ports: Mapping[str, int], order: Order, turn: int) -> Round:
    # Who is first changes, so that nobody always follows the same neighbour.
    names = list(ports)[:: -1 if turn % 2 else 1]
    results = {name: _obeyed(load, msgspec.structs.replace(order, port=ports[name])) for name in names}
    return {name: results[name] for name in ports}


def _obeyed(load: subprocess.Popen[str], order: Order) -> Result:
    if load.stdin:
        load.stdin.write(msgspec.json.encode(order).decode() + "\n")
        load.stdin.flush()
    return msgspec.json.decode(contestants.said(load), type=Result)


def _row(order: Order, rounds: Sequence[Round]) -> str:
    rates, ratios = [], []
    for name in rounds[0]:
        rates.append(statistics.median(each[name].per_second for each in rounds))
        ratios.append(statistics.median(each["ours"].per_second / each[name].per_second for each in rounds))
    label = f"{order.sessions} at once, {'one' if order.is_one_a_connection else 'many'} a connection"
    return row(label, *rates, *ratios[1:])


def _count(pair: Pair, addresses: Sequence[str], acknowledged: int) -> str:
    with psycopg.connect(pair.environ["DATABASE_URL"]) as connection:
        found = connection.execute(_COUNT, {"addresses": list(addresses)}).fetchone()
    stored = int(found[0]) if found else 0
    if stored != acknowledged:
        raise Lost(f"{acknowledged} messages were acknowledged, {stored} are in the table")
    return f"  {acknowledged} acknowledged by ours, {stored} in the table"
