"""Messages per second, in concurrent sessions.

ours: smtp-ingest, which commits each message. bare: aiosmtpd, which discards it. sink: Postfix's smtp-sink, which
discards it too. ours/…: the ratio; above 1, ours is faster.
"""

from collections.abc import Iterator

from support.harness import Pair

from bench import contestants, turns
from bench.figures import make_mailboxes
from bench.mail import MESSAGE_OCTETS

# The number of concurrent sessions, and whether a session ends after one message.
_ORDERS = tuple((sessions, closes) for closes in (True, False) for sessions in (1, 10, 50))
# Many short rounds, in which the servers alternate.
_ROUNDS = 7
_SECONDS = 0.6
_MAILBOXES = 200


def measure(pair: Pair) -> Iterator[str]:
    """A table of medians; raises Lost when the mailboxes hold more or fewer messages than were acknowledged."""
    recipients = tuple(make_mailboxes(pair, _MAILBOXES))
    orders = turns.orders(_ORDERS, seconds=_SECONDS, recipients=recipients)
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
