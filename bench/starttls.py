"""Messages per second after STARTTLS, in concurrent sessions.

ours: smtp-ingest, which commits each message. bare: aiosmtpd with the same certificate, which discards it. With one
message per session, each message costs a TLS handshake. ours/bare: the ratio; above 1, ours is faster.
"""

from collections.abc import Iterator

from support.harness import Pair

from bench import contestants, turns
from bench.figures import make_mailboxes

# The number of concurrent sessions, and whether a session ends after one message.
_ORDERS = ((1, True), (50, True), (50, False))
_ROUNDS = 5
_SECONDS = 0.6
_MAILBOXES = 200


def measure(pair: Pair) -> Iterator[str]:
    """A table of medians; raises Lost when the mailboxes hold more or fewer messages than were acknowledged."""
    recipients = tuple(make_mailboxes(pair, _MAILBOXES))
    orders = turns.orders(_ORDERS, seconds=_SECONDS, recipients=recipients, is_tls=True)
    with contestants.bare(pair.environ["TLS_CERT_FILE"], pair.environ["TLS_KEY_FILE"]) as bare:
        yield from turns.table(
            pair,
            "messages/s after STARTTLS",
            {"ours": pair.smtp_port, "bare": bare},
            orders,
            count=_ROUNDS,
            label=turns.session_label,
            rate=turns.per_second,
        )
