"""Polls while the table of messages grows to a million: the figures should stay constant.

empty and full: the polled mailbox has no messages, or 20. /CPU s: polls per second of http-api's CPU time. ms: the time
that a single client waits for a response.
"""

import statistics
from collections.abc import Iterator

import psycopg
from support.harness import Pair

from bench import calls
from bench.figures import make_mailboxes, row

_STORED = (1_000, 10_000, 100_000, 1_000_000)
# Messages in each mailbox. They are small: a million take about half a gigabyte of disk and a minute or two.
_EACH = 20
_ROUNDS = 7
_SERVERS = ("empty", "full")

_MAKE_MAILBOXES = """
    INSERT INTO mailbox (address, expires_at, last_seq, last_received_at, message_count, stored_octets)
    SELECT 'growth-' || number || '@mx.test', now() + interval '1 day', %(each)s, now(), %(each)s, %(each)s * 64
    FROM generate_series(%(first)s::integer, %(last)s::integer) AS number
"""
_MAKE_MESSAGES = """
    INSERT INTO message (
        id, mailbox_id, seq, received_at, reverse_path, recipient, from_header, from_address, subject, text,
        attachments, content, content_sha256
    )
    SELECT gen_random_uuid(), mailbox.id, seq, mailbox.last_received_at - (%(each)s - seq) * interval '1 second',
        'writer@client.test', mailbox.address, 'Writer <writer@client.test>', 'writer@client.test', 'Message ' || seq,
        'The quick brown fox.', '[]', convert_to(rpad(seq::text, 64), 'UTF8'),
        sha256(convert_to(mailbox.address || seq, 'UTF8'))
    FROM mailbox, generate_series(1, %(each)s) AS seq
    WHERE mailbox.address = ANY (
        SELECT 'growth-' || number || '@mx.test'
        FROM generate_series(%(first)s::integer, %(last)s::integer) AS number
    )
"""


def measure(pair: Pair) -> Iterator[str]:
    """A table with a row for each size of the table of messages, and the ratio of the last row to the first."""
    empty = make_mailboxes(pair, 1)[0]
    paths = {"empty": f"/api/inbox/poll?address={empty}", "full": "/api/inbox/poll?address=growth-7@mx.test"}
    server = calls.ours(pair)
    yield row("messages in the table", "empty/CPU s", "full/CPU s", "empty, ms", "full, ms")
    first: list[float] = []
    stored = 0
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        for count in _STORED:
            numbers = {"each": _EACH, "first": stored // _EACH, "last": count // _EACH - 1}
            connection.execute(_MAKE_MAILBOXES, numbers)
            connection.execute(_MAKE_MESSAGES, numbers)
            connection.execute("VACUUM ANALYZE mailbox, message")
            connection.execute("CHECKPOINT")
            stored = count
            rounds = [calls.in_turn({name: (server, paths[name]) for name in _SERVERS}, n) for n in range(_ROUNDS)]
            rates = [statistics.median(each[name].per_cpu_second for each in rounds) for name in _SERVERS]
            waits = [_wait_ms(server, paths[name]) for name in _SERVERS]
            first = first or [*rates, *waits]
            yield row(f"{count:,}", *rates, *waits)
        yield row(
            "ratio of last row to first", *(now / then for now, then in zip((*rates, *waits), first, strict=True))
        )
        connection.execute("TRUNCATE mailbox, message")  # faster than DELETE; no later measure needs these messages


def _wait_ms(server: calls.Served, path: str) -> float:
    """The smallest of several medians: other load on this machine only increases a median."""
    return 1_000 * min(statistics.median(calls.waits(server, path)) for _ in range(_ROUNDS))
