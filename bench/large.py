"""How fast large messages come in: ours, which commits each, against servers that keep nothing."""

from collections.abc import Iterator
from functools import partial

from support.harness import Pair

from bench import contestants, turns
from bench.figures import make_mailboxes
from bench.load import Order, Result

# Of a message.
_OCTETS = {"1 MiB": 1_048_576, "20 MiB": 20_971_520}
_ROUNDS = 3
_SECONDS = 0.6


def measure(pair: Pair) -> Iterator[str]:
    """A table of MB (10⁶ octets) a second, in one session; raises Lost as the short messages' does."""
    recipients = tuple(make_mailboxes(pair, 1))
    rounds: list[turns.Round] = []
    with (
        contestants.bare() as bare,
        contestants.sink() as sink,
        contestants.program(contestants.module("bench.load")) as load,
    ):
        ports = {"ours": pair.smtp_port, "bare": bare} | ({"sink": sink} if sink else {})
        yield turns.heading("MB/s in one session", ports)
        for label, octets in _OCTETS.items():
            order = Order(
                port=0,
                sessions=1,
                is_one_a_connection=False,
                seconds=_SECONDS,
                recipients=recipients,
                octets=octets,
            )
            now = turns.rounds(load, ports, order, _ROUNDS)
            rounds += now
            yield turns.compared(f"messages of {label}", now, partial(_rate, octets))
    yield from turns.strained(rounds)
    yield turns.counted(pair, recipients, sum(each["ours"].acknowledged for each in rounds))


def _rate(octets: int, result: Result) -> float:
    # Few fit into a round, so what was under way at its end counts, and so does the time it took.
    return result.acknowledged * octets / result.seconds / 1_000_000
