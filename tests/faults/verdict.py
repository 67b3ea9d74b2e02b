"""The verdict: broken promises, counted by comparing the ledger with the table of messages."""

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal, get_args

import msgspec
import psycopg
from psycopg.rows import class_row

from fake_email.storage import message_totals
from fake_email.storage.message_totals import MessageTotals
from faults.ledger import Ledger, Reading

_TABLE = """
    SELECT
        mailbox.address, message.seq, message.id::text AS id, encode(sha256(message.content), 'hex') AS content_sha256
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE mailbox.address = ANY(%s)
    ORDER BY mailbox.id, message.seq
"""

# The first host of the URL may be frozen.
_CONNECT_SECONDS = 5


Breach = Literal["lost", "doubled", "phantom", "altered", "disordered", "miscounted", "stuck", "refused", "unmet"]
BREACHES: tuple[Breach, ...] = get_args(Breach)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the table of messages."""

    address: str
    seq: int
    id: str
    content_sha256: str


class Verdict(msgspec.Struct, kw_only=True):
    """The number of messages, and how often each promise was broken; `cases` describes each time.

    `miscounted`: the numbers of `GET /api/status` do not add up. `refused`: mail that was rejected with 5xx, which its
    sender would not retry. `unmet`: other conditions of a trial. `figures`: measurements.
    """

    messages: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    phantom: int = 0
    altered: int = 0
    disordered: int = 0
    miscounted: int = 0
    stuck: int = 0
    refused: int = 0
    unmet: int = 0
    cases: list[str] = msgspec.field(default_factory=list)
    figures: list[str] = msgspec.field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not any(getattr(self, name) for name in BREACHES)

    def with_more(self, other: "Verdict") -> "Verdict":
        """Return the sum of both verdicts."""
        mine, others = msgspec.structs.asdict(self), msgspec.structs.asdict(other)
        return Verdict(**{name: mine[name] + others[name] for name in ("messages", "acknowledged", *BREACHES)})


def note(verdict: Verdict, breach: Breach, case: str) -> None:
    """Count a broken promise, and describe the case."""
    setattr(verdict, breach, getattr(verdict, breach) + 1)
    verdict.cases.append(f"{breach}: {case}")


def read_table(database_url: str, addresses: Sequence[str]) -> list[Row]:
    """Return all messages of these mailboxes, those of a mailbox in the order of their seq."""
    with (
        psycopg.connect(database_url, connect_timeout=_CONNECT_SECONDS) as connection,
        connection.cursor(row_factory=class_row(Row)) as cursor,
    ):
        return cursor.execute(_TABLE, [list(addresses)]).fetchall()


def read_totals(database_url: str) -> MessageTotals:
    """Return how many messages were ever stored, and where they went."""

    async def read() -> MessageTotals:
        async with await psycopg.AsyncConnection.connect(database_url, connect_timeout=_CONNECT_SECONDS) as connection:
            return await message_totals.fetch(connection)

    return asyncio.run(read())


def judge_totals(verdict: Verdict, totals: MessageTotals) -> None:
    """Count the numbers as a broken promise when they do not add up."""
    if totals.missing:
        note(verdict, "miscounted", f"{totals.missing} messages are missing: {totals}")


def judge(ledger: Ledger, table: Sequence[Row]) -> Verdict:
    """Count the broken promises of a ledger that was taken after all acknowledged messages could be read."""
    verdict = Verdict(
        messages=len(ledger.sent),
        acknowledged=sum(each.is_acknowledged for each in ledger.sent),
        stuck=len(ledger.late),
    )
    verdict.cases += ledger.late
    _judge_senders(verdict, ledger)
    for reading in ledger.readings:
        _judge_reading(verdict, ledger, reading)
    _judge_table(verdict, ledger, table)
    _judge_sources(verdict, ledger, table)
    return verdict


def seconds_to_event(ledger: Ledger, percent: float) -> float:
    """Return this percentile of the times from a `250` to the stream's event."""
    acknowledged_at = {each.number: each.acknowledged_at for each in ledger.sent if each.is_acknowledged}
    waits = sorted(
        shown.at - acknowledged_at[shown.number]
        for reading in ledger.readings
        if reading.way == "stream"
        for shown in reading.shown
        if shown.number in acknowledged_at
    )
    return waits[math.ceil(len(waits) * percent / 100) - 1]


def _judge_senders(verdict: Verdict, ledger: Ledger) -> None:
    for sent in ledger.sent:
        if sent.reply == 0:
            note(verdict, "stuck", f"message {sent.number} was never settled, after {sent.tries} tries")
        elif not sent.is_acknowledged:
            note(verdict, "refused", f"message {sent.number} was rejected with {sent.reply}")


def _judge_reading(verdict: Verdict, ledger: Ledger, reading: Reading) -> None:
    reader = f"{reading.way} of {reading.address}"
    times = Counter(each.number for each in reading.shown)
    sent = {each.number for each in ledger.sent if reading.address in each.addresses}
    acknowledged = {each.number for each in ledger.sent if each.is_acknowledged and reading.address in each.addresses}
    for number in sorted(acknowledged - times.keys()):
        note(verdict, "lost", f"message {number} was acknowledged but not shown by {reader}")
    for number in sorted(number for number, count in times.items() if count > 1):
        note(verdict, "doubled", f"message {number} was shown {times[number]} times by {reader}")
    for number in sorted(times.keys() - sent):
        note(verdict, "phantom", f"message {number} was shown by {reader} but never sent")
    seqs = [each.seq for each in reading.shown]
    for before, after in zip([0, *seqs], seqs, strict=False):
        if after <= before:
            note(verdict, "disordered", f"seq {after} was shown after seq {before} by {reader}")


def _judge_table(verdict: Verdict, ledger: Ledger, table: Sequence[Row]) -> None:
    rows = Counter((each.address, each.content_sha256) for each in table)
    sent = {(address, each.content_sha256): each for each in ledger.sent for address in each.addresses}
    for key, each in sent.items():
        if each.is_acknowledged and key not in rows:
            note(verdict, "lost", f"message {each.number} was acknowledged but is not in the table for {key[0]}")
    for key, count in rows.items():
        if key not in sent:
            note(verdict, "phantom", f"a message in the table for {key[0]} was never sent with this content")
        elif count > 1:
            note(verdict, "doubled", f"message {sent[key].number} is in the table {count} times for {key[0]}")
    seqs: dict[str, list[int]] = defaultdict(list)
    for row in table:
        seqs[row.address].append(row.seq)
    for address, stored in seqs.items():
        if stored != list(range(1, len(stored) + 1)):
            note(verdict, "disordered", f"the seqs of {address} are not 1, 2, 3 …")


def _judge_sources(verdict: Verdict, ledger: Ledger, table: Sequence[Row]) -> None:
    stored = {row.id: row for row in table}
    sent = {each.number: each.content_sha256 for each in ledger.sent}
    numbers = {shown.id: shown.number for reading in ledger.readings for shown in reading.shown}
    for message_id, number in numbers.items():
        if ledger.sources.get(message_id) != sent.get(number):
            note(verdict, "altered", f"the source of message {number} differs from the message that was sent")
        if message_id not in stored:
            note(verdict, "phantom", f"message {number} was shown but is not in the table")
