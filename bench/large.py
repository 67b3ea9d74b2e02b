"""The speed of large messages in one session, in MB (10⁶ octets) per second.

ours: smtp-ingest, which commits each message. bare: aiosmtpd, which discards it. sink: Postfix's smtp-sink, which
discards it too. ours/…: the ratio; above 1, ours is faster.
"""

from collections.abc import Iterator

from support.harness import Pair

from bench import contestants, turns
from bench.figures import make_mailboxes
from bench.load import Order, Result

# The sizes of messages.
_LABELS = {1_048_576: "1 MiB", 20_971_520: "20 MiB"}
_ROUNDS = 3
_SECONDS = 0.6


def measure(pair: Pair) -> Iterator[str]:
    """A table of MB per second; raises Lost when the mailbox holds more or fewer messages than were acknowledged."""
    recipients = tuple(make_mailboxes(pair, 1))
    orders = [
        Order(port=0, sessions=1, closes_after_message=False, seconds=_SECONDS, recipients=recipients, octets=octets)
        for octets in _LABELS
    ]
    with contestants.bare() as bare, contestants.sink() as sink:
        yield from turns.table(
            pair,
            "MB/s in one session",
            {"ours": pair.smtp_port, "bare": bare} | ({"sink": sink} if sink else {}),
            orders,
            count=_ROUNDS,
            label=lambda order: f"messages of {_LABELS[order.octets]}",
            rate=_rate,
        )


def _rate(order: Order, result: Result) -> float:
    # Few messages fit into a round, so the one in progress at its end counts too, with the time until its end.
    return result.acknowledged * order.octets / result.seconds / 1_000_000
