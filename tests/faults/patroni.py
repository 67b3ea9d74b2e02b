"""Fail-over by Patroni: the primary's host ends or freezes, or hands over as planned."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import msgspec
from support.waiting import deadline

from faults.patroni_cluster import PatroniCluster, patroni_cluster
from faults.patroni_host import PatroniHost
from faults.stage import Stage, running_stage
from faults.trial import Fault, Scale, Trial

_MOST_MESSAGES = 40
_CALM_SECONDS = 3.0
_PATIENCE_SECONDS = 60.0


class PatroniStage(Stage, frozen=True, kw_only=True):
    """A pair on a Patroni cluster."""

    cluster: PatroniCluster


@contextmanager
def _stage(url: Callable[[PatroniCluster], str], directory: Path, scale: Scale) -> Iterator[PatroniStage]:
    with (
        patroni_cluster() as cluster,
        running_stage(url(cluster), directory, restart_seconds=scale.restart_seconds) as stage,
    ):
        _await_calm(stage)
        yield PatroniStage(cluster=cluster, **msgspec.structs.asdict(stage))


def by_hosts(directory: Path, scale: Scale) -> AbstractContextManager[Stage]:
    """A pair whose DATABASE_URL names all hosts."""
    return _stage(lambda cluster: cluster.url_of_hosts, directory, scale)


def by_haproxy(directory: Path, scale: Scale) -> AbstractContextManager[Stage]:
    """A pair whose DATABASE_URL names haproxy."""
    return _stage(lambda cluster: cluster.url_of_haproxy, directory, scale)


def _await_calm(stage: Stage) -> None:
    """Return when mailboxes could be made for a while: a new cluster may still change its standby."""
    calm_since = time.monotonic()
    with httpx.Client(base_url=stage.http_url, timeout=10, verify=False) as http:
        for _ in deadline(_PATIENCE_SECONDS):
            if not http.post("/api/temporary-address").is_success:
                calm_since = time.monotonic()
            if time.monotonic() - calm_since > _CALM_SECONDS:
                return
    raise AssertionError("the services find no calm cluster")


def _kill_primary(stage: Stage, chance: random.Random, _seconds: float) -> None:
    """Kill all that runs on the primary's host; the host returns as a replica when another one is the primary."""
    cluster, primary = _whole(stage, chance)
    primary.kill()
    cluster.await_primary(but=primary)
    primary.start()


def _freeze_primary(stage: Stage, chance: random.Random, _seconds: float) -> None:
    """Freeze Patroni and Postgres on the primary's host; they go on when another host is the primary."""
    cluster, primary = _whole(stage, chance)
    primary.suspend()
    cluster.await_primary(but=primary)
    primary.resume()


def _switch_over(stage: Stage, chance: random.Random, _seconds: float) -> None:
    cluster, primary = _whole(stage, chance)
    cluster.switch_over(primary)
    cluster.await_primary(but=primary)


def _whole(stage: Stage, chance: random.Random) -> tuple[PatroniCluster, PatroniHost]:
    """Return the cluster and its primary at a random moment while both other hosts follow the primary."""
    assert isinstance(stage, PatroniStage)
    primary = stage.cluster.await_whole()
    stage.load_process.await_acknowledged(chance.randint(1, _MOST_MESSAGES))
    return stage.cluster, primary


def _trials(name: str, fault: Fault) -> Iterator[Trial]:
    for way, stage in (("all hosts", by_hosts), ("haproxy", by_haproxy)):
        yield Trial(name=f"Patroni, {way}: {name}", stage=stage, fault=fault, times=2, load_share=0.5)


TRIALS = (
    *_trials("primary killed", _kill_primary),
    *_trials("primary frozen", _freeze_primary),
    *_trials("switch-over", _switch_over),
)
