"""The speed of large messages in one session, in MB (10⁶ octets) per second.

ours: smtp-ingest, which commits each message. bare: aiosmtpd, which discards it. sink: Postfix's smtp-sink, which
discards it too. ours/…: the ratio; above 1, ours is faster.
"""

from collections.abc import Iterator
from functools import partial

from support.harness import Pair

from bench import contestants, turns
from bench.figures import make_mailboxes
from bench.load import Order, Result

# The size of a message.
_OCTETS = {"1 MiB": 1_048_576, "20 MiB": 20_971_520}
_ROUNDS = 3
_SECONDS = 0.6


def measure(pair: Pair) -> Iterator[str]:
    """A table of MB per second; raises Lost when the mailbox holds more or fewer messages than were acknowledged."""
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
                closes_after_message=False,
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
    # Few messages fit into a round, so the one in progress at its end counts too, with the time until its end.
    return result.acknowledged * octets / result.seconds / 1_000_000
