"""Memory growth of both services over many messages, sessions, mailboxes, calls and streams."""

import hashlib
from pathlib import Path

import msgspec
from support.database import own_postgres

from faults import sustained_load, verdict
from faults.program import running_program
from faults.stage import Stage, running_stage
from faults.sustained_load import Round, RoundResult
from faults.trial import FULL, Proof
from faults.verdict import Verdict

_MB = 1_000_000


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """Rounds of load, and the most by which a service's memory may grow from the first round's end to the last's."""

    rounds: int
    mailboxes: int
    messages_each: int
    most_octets: int


# 200,000 messages against 20,000.
GROWTH = Growth(rounds=10, mailboxes=2_000, messages_each=10, most_octets=20 * _MB)


def prove(directory: Path, _seed: int) -> Verdict:
    """Measure the growth over all rounds, on a pair of its own."""
    with own_postgres() as server, running_stage(server.url, directory, restart_seconds=FULL.restart_seconds) as stage:
        return measure(stage, GROWTH)


def measure(stage: Stage, growth: Growth) -> Verdict:
    """Put the rounds of load on the stage, and judge the messages and the memory."""
    processes = {"smtp-ingest": stage.smtp.main, "http-api": stage.http.main.children()[0]}
    resident: list[dict[str, int]] = []
    rounds: list[RoundResult] = []
    host, port = stage.http_url.removeprefix("http://").split(":")
    command = Round(
        smtp=stage.smtp_address,
        http=(host, int(port)),
        mailboxes=growth.mailboxes,
        messages_each=growth.messages_each,
    )
    with running_program("faults.sustained_load") as program:
        for _ in range(growth.rounds):
            rounds.append(msgspec.json.decode(program.request(command), type=RoundResult))
            resident.append({name: process.memory_info().rss for name, process in processes.items()})
    judged = _judge(stage, growth, rounds)
    for name in processes:
        first, last = resident[0][name], resident[-1][name]
        judged.figures.append(f"{name}: {first / _MB:.1f} MB at first, {last / _MB:.1f} MB in the end")
        if last - first > growth.most_octets:
            verdict.note(judged, "unmet", f"{name} grew by {(last - first) / _MB:.1f} MB")
    return judged


def _judge(stage: Stage, growth: Growth, rounds: list[RoundResult]) -> Verdict:
    addresses = [address for result in rounds for address in result.addresses]
    rows = verdict.read_table(stage.database_url, addresses)
    stored = {(row.address, row.content_sha256) for row in rows}
    sent = {
        (address, hashlib.sha256(sustained_load.content(number)).hexdigest())
        for number, address in enumerate((each for each in addresses for _ in range(growth.messages_each)), 1)
    }
    judged = Verdict(
        messages=len(sent),
        acknowledged=sum(result.acknowledged for result in rounds),
        lost=len(sent - stored),
        phantom=len(stored - sent),
        doubled=len(rows) - len(stored),
    )
    verdict.judge_totals(judged, verdict.read_totals(stage.database_url))
    if judged.acknowledged < len(sent):
        verdict.note(judged, "stuck", f"{len(sent) - judged.acknowledged} messages were deferred")
    for mismatch in (each for result in rounds for each in result.mismatches):
        verdict.note(judged, "altered", mismatch)
    return judged


PROOFS = (Proof(name="memory over 200,000 messages", prove=prove),)
