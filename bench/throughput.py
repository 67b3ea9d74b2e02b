"""Messages a second: ours, which commits each, against servers that keep nothing."""

import itertools
from collections.abc import Iterator

from support.harness import Pair

from bench import contestants, turns
from bench.figures import make_mailboxes
from bench.load import Order
from bench.mail import MESSAGE_OCTETS

_SESSIONS = (1, 10, 50)
# Many short ones.
_ROUNDS = 7
_SECONDS = 0.6
_MAILBOXES = 200


def measure(pair: Pair) -> Iterator[str]:
    """A table of medians over short rounds, in each of which the servers take turns.

    Raises Lost when the table of messages holds more or less than was acknowledged.
    """
    recipients = tuple(make_mailboxes(pair, _MAILBOXES))
    rounds: list[turns.Round] = []
    with (
        contestants.bare() as bare,
        contestants.sink() as sink,
        contestants.program(contestants.module("bench.load")) as load,
    ):
        ports = {"ours": pair.smtp_port, "bare": bare} | ({"sink": sink} if sink else {})
        yield turns.heading(f"messages/s of {MESSAGE_OCTETS} octets", ports)
        for is_one_a_connection, sessions in itertools.product((True, False), _SESSIONS):
            order = Order(
                port=0,
                sessions=sessions,
                is_one_a_connection=is_one_a_connection,
                seconds=_SECONDS,
                recipients=recipients,
            )
            now = turns.rounds(load, ports, order, _ROUNDS)
            rounds += now
            label = f"{sessions} at once, {'one' if is_one_a_connection else 'many'} a connection"
            yield turns.compared(label, now, lambda result: result.per_second)
    if sink is None:
        yield f"  {contestants.MISSING_SINK}"
    yield from turns.strained(rounds)
    yield turns.counted(pair, recipients, sum(each["ours"].acknowledged for each in rounds))
