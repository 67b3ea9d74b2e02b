"""A stage whose Postgres can be stopped, killed and filled."""

import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
from postgres import EmbeddedPostgres
from support.database import own_postgres
from support.harness import DOMAINS
from support.waiting import deadline

from faults.stage import Stage, running_stage
from faults.trial import Scale


class PostgresStage(Stage, frozen=True, kw_only=True):
    """A pair on a server of its own."""

    server: EmbeddedPostgres


@contextmanager
def running_on(server: EmbeddedPostgres, directory: Path, scale: Scale) -> Iterator[PostgresStage]:
    """A pair on `server`."""
    with running_stage(server.url, directory, restart_seconds=scale.restart_seconds) as stage:
        yield PostgresStage(server=server, **msgspec.structs.asdict(stage))


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[PostgresStage]:
    """A pair on a durable server with few connections."""
    with own_postgres({"max_connections": "40"}, durable=True) as server, running_on(server, directory, scale) as stage:
        yield stage


def server_of(stage: Stage) -> EmbeddedPostgres:
    """Return the server of a stage that this module made."""
    assert isinstance(stage, PostgresStage)
    return stage.server


def _await_503(stage: Stage) -> None:
    """Return when /api/health responds with 503."""
    for _ in deadline():
        if httpx.get(f"{stage.http_url}/api/health", timeout=5, verify=False).status_code == 503:
            return
    raise AssertionError("/api/health never responded with 503")


def await_deferral(stage: Stage) -> None:
    """Return when the daemon defers mail before DATA, since the database is away."""
    for _ in deadline():
        with smtplib.SMTP(*stage.smtp_address, local_hostname="client.test", timeout=10) as client:
            client.ehlo()
            code, _ = client.mail("writer@client.test")
            if code == 250:
                code, _ = client.rcpt(f"reader@{DOMAINS[0]}")
        if code == 451:
            return
    raise AssertionError("no mail was deferred")


def wait_while_away(stage: Stage, seconds: float) -> None:
    """Return after `seconds` with the database away, once the API and the daemon have reported it."""
    ends_at = time.monotonic() + seconds
    _await_503(stage)
    await_deferral(stage)
    time.sleep(max(0, ends_at - time.monotonic()))
