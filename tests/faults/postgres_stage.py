"""A stage whose Postgres can be troubled."""

import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from postgres import EmbeddedPostgres
from support.harness import DOMAINS, deadline, own_postgres

from faults.stage import Stage, staged
from faults.trial import Scale


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


def _await_unready(stage: Stage) -> None:
    """Return when /api/health answers that it cannot do its work."""
    for _ in deadline():
        if httpx.get(f"{stage.http_url}/api/health", timeout=5).status_code == 503:
            return
    raise AssertionError("/api/health never said 503")


def await_put_off(stage: Stage) -> None:
    """Return when a message is put off, for want of a database, before it is sent."""
    for _ in deadline():
        with smtplib.SMTP(*stage.smtp_address, local_hostname="client.test", timeout=10) as client:
            client.ehlo()
            code, _ = client.mail("writer@client.test")
            if code == 250:
                code, _ = client.rcpt(f"reader@{DOMAINS[0]}")
        if code == 451:
            return
    raise AssertionError("no mail was put off")


def stay_away(stage: Stage, seconds: float) -> None:
    """Return when the database was away for so long, and the API and the daemon have said it."""
    ends_at = time.monotonic() + seconds
    _await_unready(stage)
    await_put_off(stage)
    time.sleep(max(0, ends_at - time.monotonic()))
