"""The promises, counted: ledgers of clients held against each other and against the table."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec
import psycopg

from faults.ledger import Ledger, Reading

_TABLE = """
    SELECT mailbox.address, message.seq, message.id::text, encode(sha256(message.content), 'hex')
    FROM message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE mailbox.address = ANY(%s)
    ORDER BY mailbox.id, message.seq
"""

# The first host may be one that accepts and never answers.
_CONNECT_SECONDS = 5


class Row(msgspec.Struct, frozen=True):
    """A message in the table."""

    address: str
    seq: int
    id: str
    content_sha256: str


class Verdict(msgspec.Struct, kw_only=True):
    """How often each promise was broken, and on how many messages that rests; `words` tells the first cases.

    `refused`: mail that was told 5xx, which its sender would have given up. `unmet`: what else a trial asks for.
    `figures`: what was measured besides.
    """

    messages: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    phantom: int = 0
    altered: int = 0
    disordered: int = 0
    stuck: int = 0
    refused: int = 0
    unmet: int = 0
    words: list[str] = msgspec.field(default_factory=list)
    figures: list[str] = msgspec.field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not any(getattr(self, name) for name in BROKEN)

    def with_more(self, other: "Verdict") -> "Verdict":
        """Both together."""
        mine, others = msgspec.structs.asdict(self), msgspec.structs.asdict(other)
        return Verdict(**{name: mine[name] + others[name] for name in ("messages", "acknowledged", *BROKEN)})


BROKEN = ("lost", "doubled", "phantom", "altered", "disordered", "stuck", "refused", "unmet")


def note(verdict: Verdict, name: str, word: str) -> None:
    """One more case of a broken promise, in words."""
    setattr(verdict, name, getattr(verdict, name) + 1)
    verdict.words.append(f"{name}: {word}")


def read_table(database_url: str, addresses: Sequence[str]) -> list[Row]:
    """Every message in these mailboxes, each mailbox's in the order of its seq."""
    with psycopg.connect(database_url, connect_timeout=_CONNECT_SECONDS) as connection:
        return [Row(*each) for each in connection.execute(_TABLE, [list(addresses)])]


def judge(ledger: Ledger, table: Sequence[Row]) -> Verdict:
    """What is wrong, if anything, once all that was acknowledged had time to be read."""
    verdict = Verdict(
        messages=len(ledger.sent),
        acknowledged=sum(each.is_acknowledged for each in ledger.sent),
        stuck=len(ledger.late),
    )
    verdict.words += ledger.late
    _judge_senders(verdict, ledger)
    for reading in ledger.readings:
        _judge_reading(verdict, ledger, reading)
    _judge_table(verdict, ledger, table)
    _judge_sources(verdict, ledger, table)
    return verdict


def seconds_to_event(ledger: Ledger, percent: float) -> float:
    """The least time from a `250` to the stream's event that so many percent of the messages did not exceed."""
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
            note(verdict, "refused", f"message {sent.number} was told {sent.reply}")


def _judge_reading(verdict: Verdict, ledger: Ledger, reading: Reading) -> None:
    who = f"{reading.way} of {reading.address}"
    times = Counter(each.number for each in reading.shown)
    begun = {each.number for each in ledger.sent if reading.address in each.addresses}
    acknowledged = {each.number for each in ledger.sent if each.is_acknowledged and reading.address in each.addresses}
    for number in sorted(acknowledged - times.keys()):
        note(verdict, "lost", f"message {number} was acknowledged and not shown by {who}")
    for number in sorted(number for number, count in times.items() if count > 1):
        note(verdict, "doubled", f"message {number} was shown {times[number]} times by {who}")
    for number in sorted(times.keys() - begun):
        note(verdict, "phantom", f"message {number} was never sent and shown by {who}")
    seqs = [each.seq for each in reading.shown]
    for before, after in zip([0, *seqs], seqs, strict=False):
        if after <= before:
            note(verdict, "disordered", f"seq {after} was shown behind {before} by {who}")


def _judge_table(verdict: Verdict, ledger: Ledger, table: Sequence[Row]) -> None:
    rows = Counter((each.address, each.content_sha256) for each in table)
    sent = {(address, each.content_sha256): each for each in ledger.sent for address in each.addresses}
    for key, each in sent.items():
        if each.is_acknowledged and key not in rows:
            note(verdict, "lost", f"message {each.number} was acknowledged and is not in the table for {key[0]}")
    for key, count in rows.items():
        if key not in sent:
            note(verdict, "phantom", f"a message in the table for {key[0]} was never sent like that")
        elif count > 1:
            note(verdict, "doubled", f"message {sent[key].number} is {count} times in the table for {key[0]}")
    seqs: dict[str, list[int]] = defaultdict(list)
    for row in table:
        seqs[row.address].append(row.seq)
    for address, stored in seqs.items():
        if stored != list(range(1, len(stored) + 1)):
            note(verdict, "disordered", f"the seqs of {address} are not 1, 2, 3 and so on")


def _judge_sources(verdict: Verdict, ledger: Ledger, table: Sequence[Row]) -> None:
    stored = {row.id: row for row in table}
    sent = {each.number: each.content_sha256 for each in ledger.sent}
    numbers = {shown.id: shown.number for reading in ledger.readings for shown in reading.shown}
    for message_id, number in numbers.items():
        if ledger.sources.get(message_id) != sent.get(number):
            note(verdict, "altered", f"the source of message {number} is not what was sent")
        if message_id not in stored:
            note(verdict, "phantom", f"message {number} was shown and is not in the table")
