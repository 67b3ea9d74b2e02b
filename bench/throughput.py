"""Messages a second: ours, which commits each, against servers that keep nothing."""

import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator

import msgspec
import psycopg
from harness import Pair

from bench import contestants
from bench.figures import MESSAGE_OCTETS, Lost, make_mailboxes
from bench.load import Order, Result

_SESSIONS = (1, 10, 50)
_ROUNDS = 5
_SECONDS = 0.7
_MAILBOXES = 200
# Of a core; past it the load is what is measured.
_BUSY = 0.9

_STORED = "SELECT count(*) FROM message JOIN mailbox ON mailbox.id = message.mailbox_id WHERE address = ANY(%(addresses)s)"


def measure(pair: Pair) -> Iterator[str]:
    """Lines of a table: medians over short rounds, in each of which the servers take turns.

    Raises Lost when the table holds more or less than was acknowledged.
    """
    recipients = tuple(make_mailboxes(pair, _MAILBOXES))
    with contestants.bare() as bare, contestants.sink() as sink, contestants.program(
        contestants.module("bench.load")
    ) as load:
        ports = {"ours": pair.smtp_port, "bare": bare} | ({"sink": sink} if sink else {})
        yield (
            f"{f'messages/s, {MESSAGE_OCTETS} octets each':<34}{'ours':>8}{'bare':>8}{'sink':>8}"
            f"{'ours/bare':>11}{'ours/sink':>11}"
        )
        acknowledged = 0
        strained: Counter[str] = Counter()
        for is_one_a_connection in (True, False):
            for sessions in _SESSIONS:
                rounds = []
                for turn in range(_ROUNDS):
                    # Who comes first changes, so that nobody always follows the same neighbour.
                    names = sorted(ports, reverse=turn % 2 == 1)
                    results = {
                        name: _ordered(
                            load,
                            Order(
                                port=ports[name],
                                sessions=sessions,
                                is_one_a_connection=is_one_a_connection,
                                seconds=_SECONDS,
                                recipients=recipients,
                            ),
                        )
                        for name in names
                    }
                    acknowledged += results["ours"].acknowledged
                    strained.update(name for name in names if results[name].busy > _BUSY)
                    rounds.append({name: result.per_second for name, result in results.items()})
                yield _row(is_one_a_connection=is_one_a_connection, sessions=sessions, rounds=rounds)
    yield from _notes(strained, has_sink=sink is not None)
    yield _check(pair, recipients, acknowledged)


def _ordered(load: subprocess.Popen[str], order: Order) -> Result:
    if load.stdin:
        load.stdin.write(msgspec.json.encode(order).decode() + "\n")
        load.stdin.flush()
    return msgspec.json.decode(contestants.said(load), type=Result)
