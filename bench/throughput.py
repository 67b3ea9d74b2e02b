"""Messages per second, in concurrent sessions.

ours: smtp-ingest, which commits each message. bare: aiosmtpd, which discards it. sink: Postfix's smtp-sink, which
discards it too. ours/…: the ratio; above 1, ours is faster.
"""

import itertools
from collections.abc import Iterator

from support.harness import Pair

from bench import contestants, turns
from bench.figures import make_mailboxes
from bench.load import Order
from bench.mail import MESSAGE_OCTETS

_SESSIONS = (1, 10, 50)
# Many short rounds, in which the servers alternate.
_ROUNDS = 7
_SECONDS = 0.6
_MAILBOXES = 200


def measure(pair: Pair) -> Iterator[str]:
    """A table of medians; raises Lost when the mailboxes hold more or fewer messages than were acknowledged."""
    recipients = tuple(make_mailboxes(pair, _MAILBOXES))
    orders = [
        Order(
            port=0,
            sessions=sessions,
            closes_after_message=closes_after_message,
            seconds=_SECONDS,
            recipients=recipients,
        )
        for closes_after_message, sessions in itertools.product((True, False), _SESSIONS)
    ]
    with contestants.bare() as bare, contestants.sink() as sink:
        yield from turns.table(
            pair,
            f"messages/s of {MESSAGE_OCTETS} octets",
            {"ours": pair.smtp_port, "bare": bare} | ({"sink": sink} if sink else {}),
            orders,
            count=_ROUNDS,
            label=turns.session_label,
            rate=turns.per_second,
        )
    if sink is None:
        yield f"  {contestants.MISSING_SINK}"
