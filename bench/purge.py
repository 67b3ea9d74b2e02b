"""The purge of half a million messages, and its effect on storing and polling in the meantime, in milliseconds.

p99/at rest: the ratio of a row's p99 to the p99 without a purge.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import count

import httpx
import msgspec
import psycopg
import uvloop
from support.harness import Pair
from support.http_client import client
from support.smtp_client import SmtpClient

from bench.figures import Lost, make_mailboxes, percentile, row
from bench.mail import message

# Small messages: a million of them take two gigabytes of disk, WAL included, and a minute or two.
_MESSAGES = 1_000_000
_MAILBOXES = 50_000
_OCTETS = 256
_PARTS = 20
_REST_SECONDS = 15.0
_LONGEST_SECONDS = 300.0
_PER_SECOND = 50
_SESSIONS = 10

_MAKE_MAILBOXES = """
    INSERT INTO mailbox (address, expires_at, last_seq, message_count, stored_octets)
    SELECT 'purge-' || number || '@mx.test', now() + interval '1 hour', each, each, each * %(octets)s
    FROM generate_series(0, %(mailboxes)s::integer - 1) AS number, CAST(%(each)s AS bigint) AS each
    RETURNING id
"""
# In the order of arrival: the next message belongs to another mailbox and has a later id.
_MAKE_MESSAGES = """
    INSERT INTO message (
        id, mailbox_id, seq, received_at, reverse_path, recipient, from_header, from_address, subject, text,
        attachments, content, content_sha256
    )
    SELECT (lpad(to_hex(1700000000000 + number), 12, '0') || '7' || substr(md5(number::text), 1, 3) || '8'
            || substr(md5(number::text), 4, 15))::uuid,
        %(first_id)s + number %% %(mailboxes)s, number / %(mailboxes)s + 1, now(), 'writer@client.test',
        'reader@mx.test', 'Writer <writer@client.test>', 'writer@client.test', 'Message ' || number,
        repeat('The quick brown fox. ', 8), '[]', convert_to(rpad(number::text, %(octets)s), 'UTF8'),
        sha256(convert_to(number::text, 'UTF8'))
    FROM generate_series(%(first)s::integer, %(last)s::integer) AS number
"""
# Every other mailbox, so that expired and live messages share pages.
_EXPIRE = "UPDATE mailbox SET expires_at = now() WHERE address LIKE 'purge-%%' AND id %% 2 = %(first_id)s %% 2"
_LEFT = "SELECT count(*) FROM mailbox WHERE expires_at <= now()"
_COUNT = """
    SELECT count(*)
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE mailbox.address LIKE 'purge-%%'
"""


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """The response times in milliseconds, each from the time when the request was due."""

    store: list[float]
    poll: list[float]


def measure(pair: Pair) -> Iterator[str]:
    """A table of milliseconds, at rest and during the purge; raises Lost when the purge deletes too many or too few."""
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        began_at = time.monotonic()
        first_id = _fill(connection)
        filled_seconds = time.monotonic() - began_at
        recipient = make_mailboxes(pair, 1)[0]
        polled = f"purge-{_MAILBOXES - 1}@mx.test"
        numbers = count(1)
        at_rest = uvloop.run(_observe(pair, recipient, polled, numbers, partial(asyncio.sleep, _REST_SECONDS)))
        connection.execute(_EXPIRE, {"first_id": first_id})
        began_at = time.monotonic()
        during = uvloop.run(_observe(pair, recipient, polled, numbers, partial(_until_purged, pair.database_url)))
        seconds = time.monotonic() - began_at
        # The rest is measured before and after the purge: the speed of a machine varies over time.
        after = uvloop.run(_observe(pair, recipient, polled, numbers, partial(asyncio.sleep, _REST_SECONDS)))
        left = connection.execute(_COUNT).fetchone()
    if left != (_MESSAGES // 2,):
        raise Lost(f"{_MESSAGES // 2} messages should remain after the purge, but {left} do")
    yield row(f"ms at {_PER_SECOND} stores and polls a second", "p50", "p99", "max", "p99/at rest")
    yield from _rows("store", at_rest.store + after.store, during.store)
    yield from _rows("poll of 20", at_rest.poll + after.poll, during.poll)
    yield (
        f"  {_MESSAGES // 2} of {_MESSAGES} messages of {_OCTETS} octets purged in {seconds:.0f} s"
        f" (stored in {filled_seconds:.0f} s)"
    )


def _rows(label: str, at_rest: list[float], during: list[float]) -> Iterator[str]:
    for when, waits in (("at rest", at_rest), ("during the purge", during)):
        p99 = percentile(waits, 99)
        yield row(f"{label}, {when}", percentile(waits, 50), p99, max(waits), p99 / percentile(at_rest, 99))


def _fill(connection: psycopg.Connection) -> int:
    """Fill the tables, and return the id of the first mailbox; the ids of the others follow it."""
    parameters = {"mailboxes": _MAILBOXES, "octets": _OCTETS, "each": _MESSAGES // _MAILBOXES}
    ids = [row[0] for row in connection.execute(_MAKE_MAILBOXES, parameters).fetchall()]
    part = _MESSAGES // _PARTS
    for first in range(0, _MESSAGES, part):
        connection.execute(
            _MAKE_MESSAGES, {**parameters, "first_id": min(ids), "first": first, "last": first + part - 1}
        )
    connection.execute("VACUUM ANALYZE mailbox, message")
    connection.execute("CHECKPOINT")
    return int(min(ids))


async def _observe(
    pair: Pair, recipient: str, polled: str, numbers: Iterator[int], until: Callable[[], Awaitable[object]]
) -> Waits:
    """Store and poll at a steady pace until `until` returns; raises Lost when a request fails or the time is up."""
    waits = Waits(store=[], poll=[])
    try:
        async with asyncio.TaskGroup() as tasks:
            helpers = []
            for turn in range(_SESSIONS):
                helpers.append(tasks.create_task(_store(pair, recipient, numbers, waits.store, turn)))
                helpers.append(tasks.create_task(_poll(pair, polled, waits.poll, turn)))
            await until()
            for helper in helpers:
                helper.cancel()
    except ExceptionGroup as group:
        raise Lost(f"storing or polling failed: {group.exceptions[0]!r}") from group
    except TimeoutError:
        raise Lost(f"the purge took longer than {_LONGEST_SECONDS:.0f} s") from None
    return waits


async def _until_purged(database_url: str) -> None:
    async with (
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection,
        asyncio.timeout(_LONGEST_SECONDS),
    ):
        # No event tells the end of the purge, which runs in another process.
        while await (await connection.execute(_LEFT)).fetchone() != (0,):  # noqa: ASYNC110
            await asyncio.sleep(0.5)


async def _store(pair: Pair, recipient: str, numbers: Iterator[int], waits: list[float], turn: int) -> None:
    async with SmtpClient.connect(pair.smtp_port) as smtp:

        async def send() -> None:
            reply = await smtp.deliver(message(next(numbers)), recipient)
            if reply.code != 250:
                raise Lost(f"{reply} instead of 250")

        await _keep_pace(send, waits, turn)


async def _poll(pair: Pair, address: str, waits: list[float], turn: int) -> None:
    async with client(pair.http_url) as http:

        async def poll() -> None:
            response = await http.get("/api/inbox/poll", params={"address": address, "limit": 20})
            if response.status_code != httpx.codes.OK:
                raise Lost(f"{response} instead of 200")

        await _keep_pace(poll, waits, turn)


async def _keep_pace(request: Callable[[], Awaitable[None]], waits: list[float], turn: int) -> None:
    """Call `request` whenever it is due, until cancelled; a slow request does not shift the later due times."""
    due_at = time.monotonic() + turn / _PER_SECOND
    while True:
        left = due_at - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
        # After a sleep the time counts from the wake-up: a late wake-up is not the services' fault.
        began_at = time.monotonic() if left > 0 else due_at
        await request()
        waits.append((time.monotonic() - began_at) * 1_000)
        due_at += _SESSIONS / _PER_SECOND
