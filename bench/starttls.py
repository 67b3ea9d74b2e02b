"""Sessions and messages a second under TLS: ours, which commits each, against aiosmtpd with the same certificate."""

from collections.abc import Iterator

from support.harness import Pair

from bench import contestants, turns
from bench.figures import make_mailboxes
from bench.load import Order

# How many sessions at once, and whether each takes one message: then a handshake is made for each.
_ORDERS = ((1, True), (50, True), (50, False))
_ROUNDS = 5
_SECONDS = 0.6
_MAILBOXES = 200


def measure(pair: Pair) -> Iterator[str]:
    """A table as of the messages in plain text; raises Lost as that does."""
    recipients = tuple(make_mailboxes(pair, _MAILBOXES))
    rounds: list[turns.Round] = []
    with (
        contestants.bare(pair.environ["TLS_CERT_FILE"], pair.environ["TLS_KEY_FILE"]) as bare,
        contestants.program(contestants.module("bench.load")) as load,
    ):
        ports = {"ours": pair.smtp_port, "bare": bare}
        yield turns.heading("messages/s after STARTTLS", ports)
        for sessions, is_one_a_connection in _ORDERS:
            order = Order(
                port=0,
                sessions=sessions,
                is_one_a_connection=is_one_a_connection,
                seconds=_SECONDS,
                recipients=recipients,
                is_tls=True,
            )
            now = turns.rounds(load, ports, order, _ROUNDS)
            rounds += now
            label = f"{sessions} at once, {'one' if is_one_a_connection else 'many'} a connection"
            yield turns.compared(label, now, lambda result: result.per_second)
    yield from turns.strained(rounds)
    yield turns.counted(pair, recipients, sum(each["ours"].acknowledged for each in rounds))
