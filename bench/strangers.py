"""Response times without a token: they must not reveal whether a private mailbox exists.

private: a call on a private mailbox full of mail. unknown: a call on a mailbox that does not exist. The ratio should be
1.00.
"""

import statistics
import uuid
from collections.abc import Iterator

import psycopg
import uvloop
from support.content import message
from support.database import store
from support.harness import DOMAINS, Pair

from bench import calls
from bench.calls import Served
from bench.figures import make_mailboxes, row

_MESSAGES = 50
_TEXT_OCTETS = 60_000
_ROUNDS = 15
_MAKE_PRIVATE = "UPDATE mailbox SET token_sha256 = sha256('a token') WHERE address = %s RETURNING id"
_NEWEST = "SELECT id FROM message WHERE mailbox_id = %s ORDER BY seq DESC LIMIT 1"


def measure(pair: Pair) -> Iterator[str]:
    """A table of medians in ms, and their ratio."""
    [address] = make_mailboxes(pair, 1)
    contents = [message(f"Message {number}", "text " * (_TEXT_OCTETS // 5)) for number in range(_MESSAGES)]
    uvloop.run(store(pair.database_url, address, *contents))
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        mailbox = connection.execute(_MAKE_PRIVATE, [address]).fetchone()
        newest = connection.execute(_NEWEST, mailbox).fetchone()
    no_mailbox, no_message = f"{uuid.uuid4().hex}@{DOMAINS[0]}", uuid.uuid4()
    pairs = {
        "poll": (f"/api/inbox/poll?address={address}", f"/api/inbox/poll?address={no_mailbox}"),
        "inbox": (f"/api/inbox?address={address}", f"/api/inbox?address={no_mailbox}"),
        "wait": (f"/api/inbox/wait?address={address}", f"/api/inbox/wait?address={no_mailbox}"),
        "message": (f"/api/messages/{newest[0] if newest else ''}", f"/api/messages/{no_message}"),
    }
    yield row("without the token, ms", "private", "unknown", "ratio")
    for label, paths in pairs.items():
        private, unknown = _medians(calls.ours(pair), *paths)
        yield row(label, private * 1_000, unknown * 1_000, private / unknown)


def _medians(server: Served, *paths: str) -> list[float]:
    """The median response time of each path in seconds; the paths are called in alternating order."""
    waits: list[list[float]] = [[] for _ in paths]
    for turn in range(_ROUNDS):
        for index in range(len(paths)) if turn % 2 else reversed(range(len(paths))):
            waits[index] += calls.waits(server, paths[index])
    return [statistics.median(each) for each in waits]
