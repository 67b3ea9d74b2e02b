"""Fail-over: the primary ends and its replica is promoted, or the replica ends and returns."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import psutil
from support.database import kill, processes

from faults.postgres_stage import await_deferral
from faults.replicated_postgres import ReplicatedPostgres, replicated
from faults.stage import Stage, running_stage
from faults.trial import Fault, Scale, Trial

_MOST_OCTETS = 500_000
_CREATE = "/api/temporary-address"
_CLIENTS = 20
_PAUSE_SECONDS = 0.1


class ReplicatedStage(Stage, frozen=True, kw_only=True):
    """A pair on a primary and its replica."""

    servers: ReplicatedPostgres


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[ReplicatedStage]:
    """A pair on a primary that acknowledges a commit once its replica has it."""
    with (
        replicated() as servers,
        running_stage(servers.url, directory, restart_seconds=scale.restart_seconds) as stage,
    ):
        yield ReplicatedStage(servers=servers, **msgspec.structs.asdict(stage))


def _fail_over(stage: Stage, chance: random.Random, seconds: float) -> None:
    servers = _servers(stage, chance)
    kill(servers.primary)
    await_deferral(stage)
    time.sleep(seconds)
    servers.promote()


def _switch_over(stage: Stage, chance: random.Random, seconds: float) -> None:
    servers = _servers(stage, chance)
    servers.primary.stop()
    await_deferral(stage)
    time.sleep(seconds)
    servers.promote()
    servers.become_replica()


def _fail_over_from_frozen(stage: Stage, chance: random.Random, seconds: float) -> None:
    servers = _servers(stage, chance)
    psutil.Process(servers.primary.postmaster_pid).suspend()  # first, so that it starts no new process
    for process in processes(servers.primary):
        process.suspend()
    await_deferral(stage)
    time.sleep(seconds)
    servers.promote()


def _lose_replica(stage: Stage, chance: random.Random, seconds: float) -> list[str]:
    """While the replica is away, no commit succeeds though many clients try, and stored mail can be read."""
    servers = _servers(stage, chance)
    with httpx.Client(base_url=stage.http_url, timeout=10, verify=False) as http:
        address = http.post(_CREATE).raise_for_status().json()["temp_email_addr"]
        kill(servers.replica)
        statuses = _create_mailboxes(stage, seconds)
        read = http.get("/api/inbox/poll", params={"address": address})
    servers.bring_back()
    unmet = [] if statuses == {503} else [f"calls that create a mailbox were answered {sorted(statuses)}"]
    return unmet if read.is_success else [*unmet, "no mail could be read while the replica was away"]


def _create_mailboxes(stage: Stage, seconds: float) -> set[int]:
    """Have many clients try to create mailboxes for `seconds`; return the statuses of all responses."""

    def create(ends_at: float) -> set[int]:
        statuses = set()
        with httpx.Client(base_url=stage.http_url, timeout=10, verify=False) as http:
            while time.monotonic() < ends_at:
                statuses.add(http.post(_CREATE).status_code)
                time.sleep(_PAUSE_SECONDS)
        return statuses

    with ThreadPoolExecutor(_CLIENTS) as pool:
        return set().union(*pool.map(create, [time.monotonic() + seconds] * _CLIENTS))


def _servers(stage: Stage, chance: random.Random) -> ReplicatedPostgres:
    """Return both servers at a random moment while the replica follows the primary."""
    assert isinstance(stage, ReplicatedStage)
    if not stage.servers.has_replica:
        stage.servers.copy_to_replica()
    stage.servers.await_traffic(chance.randrange(_MOST_OCTETS))
    return stage.servers


def _trial(name: str, fault: Fault) -> Trial:
    return Trial(name=name, stage=stage, fault=fault, times=3, seconds=3, load_share=0.5)


TRIALS = (
    _trial("fail-over: primary killed", _fail_over),
    _trial("fail-over: primary frozen", _fail_over_from_frozen),
    Trial(
        name="fail-over: replica away",
        stage=stage,
        fault=_lose_replica,
        times=2,
        seconds=15,
        short_seconds=2,
        load_share=0.5,
    ),
    _trial("fail-over: switch-over", _switch_over),
)
