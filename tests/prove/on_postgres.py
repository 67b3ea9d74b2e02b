"""A stage whose Postgres can be troubled."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from harness import deadline, own_postgres
from postgres import EmbeddedPostgres

from prove.ledger import Ledger
from prove.stage import Stage, staged
from prove.trial import Scale


class OnPostgres(Stage, frozen=True, kw_only=True):
    """A pair on a server of its own."""

    server: EmbeddedPostgres


@contextmanager
def on(server: EmbeddedPostgres, directory: Path, scale: Scale) -> Iterator[OnPostgres]:
    """A pair on `server`."""
    with staged(server.url, directory, restart_seconds=scale.restart_seconds) as stage:
        yield OnPostgres(server=server, **{name: getattr(stage, name) for name in Stage.__struct_fields__})


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[OnPostgres]:
    """A pair on a durable server that has few connections to give."""
    with own_postgres({"max_connections": "40"}, durable=True) as server, on(server, directory, scale) as stage:
        yield stage


def server_of(stage: Stage) -> EmbeddedPostgres:
    """The one that a stage of these has."""
    assert isinstance(stage, OnPostgres)
    return stage.server


def await_health(stage: Stage, status: int) -> None:
    """Return when /api/health answers with `status`."""
    for _ in deadline():
        if httpx.get(f"{stage.http_url}/api/health", timeout=5).status_code == status:
            return
    raise AssertionError(f"/api/health never said {status}")


def told(code: int) -> Callable[[Ledger], list[str]]:
    """What is unmet when no sender was told `code`."""
    return lambda ledger: [] if ledger.replies.get(code) else [f"no sender was told {code}"]
