"""The primary goes, and its replica takes its place; or the replica goes, and comes back."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from support.harness import kill, processes

from faults.postgres_stage import await_put_off
from faults.replicated_postgres import Replicated, replicated
from faults.stage import Stage, staged
from faults.trial import Fault, Scale, Trial

_SOME_OCTETS = 500_000
_MAKE = "/api/temporary-address"
_MANY = 20
_PAUSE_SECONDS = 0.1


class OnReplicated(Stage, frozen=True, kw_only=True):
    """A pair on two servers."""

    servers: Replicated


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[OnReplicated]:
    """A pair on a primary that acknowledges what its replica has."""
    with (
        replicated() as servers,
        staged(servers.url, directory, restart_seconds=scale.restart_seconds) as stage,
    ):
        yield OnReplicated(servers=servers, **{name: getattr(stage, name) for name in Stage.__struct_fields__})


def _fail_over(stage: Stage, chance: random.Random, seconds: float) -> None:
    servers = _servers(stage, chance)
    kill(servers.primary)
    await_put_off(stage)
    time.sleep(seconds)
    servers.promote()


def _switch_over(stage: Stage, chance: random.Random, seconds: float) -> None:
    servers = _servers(stage, chance)
    servers.primary.stop()
    await_put_off(stage)
    time.sleep(seconds)
    servers.promote()
    servers.become_replica()


def _fail_over_from_frozen(stage: Stage, chance: random.Random, seconds: float) -> None:
    servers = _servers(stage, chance)
    psutil.Process(servers.primary.postmaster_pid).suspend()  # first, so that it makes no more of them
    for process in processes(servers.primary):
        process.suspend()
    await_put_off(stage)
    time.sleep(seconds)
    servers.promote()


def _lose_replica(stage: Stage, chance: random.Random, seconds: float) -> list[str]:
    """Nothing can be committed meanwhile, which many want all the time; what is there can be read."""
    servers = _servers(stage, chance)
    with httpx.Client(base_url=stage.http_url, timeout=10) as http:
        address = http.post(_MAKE).raise_for_status().json()["temp_email_addr"]
        kill(servers.replica)
        statuses = _ask_for_mailboxes(stage, seconds)
        read = http.get("/api/inbox/poll", params={"address": address})
    servers.bring_back()
    words = [] if statuses == {503} else [f"who asked for a mailbox was told {sorted(statuses)}"]
    return words if read.is_success else [*words, "no mail could be read meanwhile"]


def _ask_for_mailboxes(stage: Stage, seconds: float) -> set[int]:
    """What many are told who ask for so long."""

    def ask(ends_at: float) -> set[int]:
        statuses = set()
        with httpx.Client(base_url=stage.http_url, timeout=10) as http:
            while time.monotonic() < ends_at:
                statuses.add(http.post(_MAKE).status_code)
                time.sleep(_PAUSE_SECONDS)
        return statuses

    with ThreadPoolExecutor(_MANY) as pool:
        return set().union(*pool.map(ask, [time.monotonic() + seconds] * _MANY))


def _servers(stage: Stage, chance: random.Random) -> Replicated:
    """Both, at some moment when one follows the other."""
    assert isinstance(stage, OnReplicated)
    if not stage.servers.is_followed:
        stage.servers.copy()
    stage.servers.await_traffic(chance.randrange(_SOME_OCTETS))
    return stage.servers


def _trial(name: str, fault: Fault) -> Trial:
    return Trial(name=name, stage=stage, fault=fault, times=3, seconds=3, share=0.5)


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
        share=0.5,
    ),
    _trial("fail-over: switch-over", _switch_over),
)
