"""Messages stored per second, and the CPU time of each message in µs: of the daemon, of Postgres and of the client.

1, 10 and 50 sessions, each with one message a connection, or with many. AGAINST=DIR adds a second checkout, whose
virtual environment exists, on the same Postgres. PEER=HOST:PORT,ADDRESS adds a server that runs already, with one or
more of its addresses. Rounds alternate; each figure is a median. ours/…: the ratio of the rates. CPU …: the other's CPU
time, of daemon and Postgres, in relation to ours. Above 1, ours is better. The client is smtp-source where it is
installed, else ours; realistic mail and base64 always come from ours, since smtp-source repeats one text.
"""

import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import psutil
import psycopg
from support.harness import Pair

from bench import contestants, rivals, smtp_source, turns
from bench.figures import Lost, row
from bench.load import Order, Result
from bench.rivals import Contestant, Rivals

_SESSIONS = (1, 10, 50)
_ROUNDS = 5
_SECONDS = 1.5
_MAILBOXES = 200
_MIB = 1_048_576
_ALONE = Rivals()


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    label: str
    order: Order
    mailboxes: int
    needs_own_client: bool = False


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One round of one contestant; the CPU times are in seconds a message."""

    result: Result
    daemon: float
    postgres: float
    client: float


Rounds = Sequence[Mapping[str, Sample]]


def measure(pair: Pair, named: Rivals = _ALONE) -> Iterator[str]:
    """A table; raises Lost when a mailbox holds fewer messages than were acknowledged."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        servers = {"ours": rivals.own(pair, _MAILBOXES)}
        if named.against:
            other = rivals.other_checkout(named.against, pair, directory, _MAILBOXES)
            servers["against"] = stack.enter_context(other)
        if named.peer:
            servers["peer"] = rivals.peer(named.peer)
        for name, server in servers.items():
            yield f"{name}: Python {server.python}"
        source = smtp_source.find()
        yield f"client: {'smtp-source; in rows with *, our own' if source else 'our own'}\n"
        own_client = stack.enter_context(contestants.program(contestants.module("bench.load")))
        postmaster = rivals.postgres(pair)
        acknowledged = dict.fromkeys(servers, 0)
        yield _heading(servers)
        for load in _loads():
            client = None if load.needs_own_client else source
            rounds = [_round(servers, load, client, own_client, postmaster, turn) for turn in range(_ROUNDS)]
            for each in rounds:
                for name, sample in each.items():
                    acknowledged[name] += sample.result.acknowledged
            yield _compared(load.label + ("*" if source and not client else ""), rounds)
        for name, server in servers.items():
            if server.database_url is not None:
                yield _counted(name, server.database_url, acknowledged[name], is_exact=source is None)


def _loads() -> Iterator[Load]:
    for mailboxes in (_MAILBOXES, 1):
        where = f"{mailboxes} mailboxes" if mailboxes > 1 else "1 mailbox"
        for closes in (True, False):
            for sessions in _SESSIONS:
                label = f"{sessions:>2}, {'one' if closes else 'many'} each, {where}"
                yield Load(label=label, order=_order(sessions, closes_after_message=closes), mailboxes=mailboxes)
        yield Load(
            label=f"10, 1 MiB of base64, {where}",
            order=_order(10, octets=_MIB),
            mailboxes=mailboxes,
            needs_own_client=True,
        )
    for sessions in _SESSIONS:
        order = _order(sessions, is_realistic=True)
        yield Load(label=f"{sessions:>2}, realistic mail", order=order, mailboxes=_MAILBOXES, needs_own_client=True)


def _order(
    sessions: int, *, closes_after_message: bool = False, octets: int = 2_048, is_realistic: bool = False
) -> Order:
    return Order(
        port=0,
        sessions=sessions,
        closes_after_message=closes_after_message,
        seconds=_SECONDS,
        recipients=(),
        octets=octets,
        is_realistic=is_realistic,
    )


def _round(
    servers: Mapping[str, Contestant],
    load: Load,
    source: str | None,
    own_client: subprocess.Popen[str],
    postmaster: psutil.Process,
    turn: int,
) -> Mapping[str, Sample]:
    # The order alternates so that no server is always measured after the same other one.
    names = list(servers)[:: -1 if turn % 2 else 1]
    samples = {}
    for name in names:
        server = servers[name]
        order = msgspec.structs.replace(
            load.order, host=server.host, port=server.port, recipients=_recipients(server, load, turn)
        )
        processes = (server.daemon, postmaster if server.database_url else None, psutil.Process(own_client.pid))
        before = [rivals.cpu_seconds(each) for each in processes]
        if source:
            result = smtp_source.send(source, order)
        else:
            turns.begin(own_client, order)
            result = turns.end(own_client)
        spent = [rivals.cpu_seconds(each) - began for each, began in zip(processes, before, strict=True)]
        messages = max(result.acknowledged, 1)
        samples[name] = Sample(
            result=result,
            daemon=spent[0] / messages,
            postgres=spent[1] / messages,
            client=(result.busy * result.seconds if source else spent[2]) / messages,
        )
    return {name: samples[name] for name in servers}


def _recipients(server: Contestant, load: Load, turn: int) -> tuple[str, ...]:
    """The mailboxes of a round: each round begins with others, since smtp-source uses one for each session."""
    mailboxes = server.mailboxes[: load.mailboxes]
    begin = turn * load.order.sessions % len(mailboxes)
    return mailboxes[begin:] + mailboxes[:begin]


def _heading(servers: Mapping[str, Contestant]) -> str:
    others = list(servers)[1:]
    ratios = [*(f"ours/{name}" for name in others), *(f"CPU {name}" for name in others)]
    return _row("messages/s; µs a message", (*servers, *ratios), [f"{name} µs" for name in servers])


def _compared(label: str, rounds: Rounds) -> str:
    """A row: the rates, the ratios of the rates and of the CPU times, then daemon+Postgres+client of each server."""
    names = list(rounds[0])
    rates = [statistics.median(each[name].result.per_second for each in rounds) for name in names]
    ratios = [
        statistics.median(ratio(each["ours"], each[name]) for each in rounds)
        for ratio in (_rate_ratio, _cpu_ratio)
        for name in names[1:]
    ]
    return _row(label, (*rates, *ratios), [_cost([each[name] for each in rounds]) for name in names])


def _rate_ratio(ours: Sample, other: Sample) -> float:
    return ours.result.per_second / other.result.per_second


def _cpu_ratio(ours: Sample, other: Sample) -> float:
    """The CPU time of the other's daemon and Postgres in relation to ours; a peer's Postgres is not known."""
    return (other.daemon + other.postgres) / max(ours.daemon + ours.postgres, 1e-9)


def _cost(samples: Sequence[Sample]) -> str:
    parts = ([s.daemon for s in samples], [s.postgres for s in samples], [s.client for s in samples])
    return "+".join(f"{statistics.median(part) * 1_000_000:.0f}" for part in parts)


def _row(label: str, figures: Sequence[str | float], costs: Sequence[str]) -> str:
    return row(label, *figures) + "".join(f"{cost:>18}" for cost in costs)


def _counted(name: str, database_url: str, acknowledged: int, *, is_exact: bool) -> str:
    """A line with both numbers; raises Lost when messages are missing.

    A killed client has not read its last replies, so only our own client's messages must be exactly as many.
    """
    with psycopg.connect(database_url) as connection:
        count = connection.execute("SELECT count(*) FROM message").fetchone()
    stored = int(count[0]) if count else 0
    if stored < acknowledged or (is_exact and stored > acknowledged):
        raise Lost(f"{name}: {acknowledged} messages were acknowledged, {stored} are in the table")
    return f"  {acknowledged} messages acknowledged by {name}, {stored} stored"
