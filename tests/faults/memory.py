"""Memory: what both services keep of messages, sessions, mailboxes, calls and streams that are over."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from support.harness import own_postgres

from faults import sustained_load, verdict
from faults.program import Program
from faults.stage import Stage, staged
from faults.sustained_load import Round, Told
from faults.trial import WHOLE, Proof
from faults.verdict import Verdict

_MB = 1_000_000


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """Rounds of so many mailboxes and messages; each service may have so much more memory after the last of them.

    That is compared with what it had after the first.
    """

    rounds: int
    mailboxes: int
    messages_each: int
    most_octets: int


# 200,000 messages against 20,000.
GROWTH = Growth(rounds=10, mailboxes=2_000, messages_each=10, most_octets=20 * _MB)


def prove(directory: Path, _seed: int) -> Verdict:
    """The whole of it, on a pair of its own."""
    with own_postgres() as server, staged(server.url, directory, restart_seconds=WHOLE.restart_seconds) as stage:
        return tried(stage, GROWTH)


def tried(stage: Stage, growth: Growth) -> Verdict:
    """What came of it."""
    processes = {"smtp-ingest": stage.smtp.main, "http-api": stage.http.main.children()[0]}
    resident: list[dict[str, int]] = []
    rounds: list[Told] = []
    host, port = stage.http_url.removeprefix("http://").split(":")
    order = Round(
        smtp=stage.smtp_address,
        http=(host, int(port)),
        mailboxes=growth.mailboxes,
        messages_each=growth.messages_each,
    )
    with _program() as program:
        for _ in range(growth.rounds):
            rounds.append(msgspec.json.decode(program.tell(order), type=Told))
            resident.append({name: process.memory_info().rss for name, process in processes.items()})
    judged = _judge(stage, growth, rounds)
    for name in processes:
        first, last = resident[0][name], resident[-1][name]
        judged.figures.append(f"{name}: {first / _MB:.1f} MB at first, {last / _MB:.1f} MB in the end")
        if last - first > growth.most_octets:
            verdict.note(judged, "unmet", f"{name} grew by {(last - first) / _MB:.1f} MB")
    return judged


@contextmanager
def _program() -> Iterator[Program]:
    program = Program("faults.sustained_load")
    try:
        yield program
    finally:
        program.end()


def _judge(stage: Stage, growth: Growth, rounds: list[Told]) -> Verdict:
    addresses = [address for told in rounds for address in told.addresses]
    rows = verdict.read_table(stage.database_url, addresses)
    stored = {(row.address, row.content_sha256) for row in rows}
    sent = {
        (address, hashlib.sha256(sustained_load.content(number)).hexdigest())
        for number, address in enumerate((each for each in addresses for _ in range(growth.messages_each)), 1)
    }
    judged = Verdict(
        messages=len(sent),
        acknowledged=sum(told.acknowledged for told in rounds),
        lost=len(sent - stored),
        phantom=len(stored - sent),
        doubled=len(rows) - len(stored),
    )
    if judged.acknowledged < len(sent):
        verdict.note(judged, "stuck", f"{len(sent) - judged.acknowledged} messages were put off")
    for word in (word for told in rounds for word in told.untrue):
        verdict.note(judged, "altered", word)
    return judged


PROOFS = (Proof(name="memory over 200,000 messages", prove=prove),)
