"""The servers that storing is compared with, each with the processes whose CPU time is counted."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import psycopg
from environment import ROOT
from support.harness import Pair

from bench import cpu_time
from bench.figures import make_mailboxes
from bench.limits import LIMITS

_DATABASE = "against"


class Rivals(msgspec.Struct, frozen=True, kw_only=True):
    """The rivals on the command line: a second checkout, and `host:port,address` of a running server."""

    against: Path | None = None
    peer: str | None = None


class Contestant(msgspec.Struct, frozen=True, kw_only=True):
    """A server; without a `database_url`, its messages are not counted."""

    host: str
    port: int
    mailboxes: tuple[str, ...]
    daemon: psutil.Process | None
    database_url: str | None
    python: str


def own(pair: Pair, mailboxes: int) -> Contestant:
    """The pair of this checkout."""
    return _of_pair(pair, make_mailboxes(pair, mailboxes))


@contextmanager
def other_checkout(path: Path, pair: Pair, directory: Path, mailboxes: int) -> Iterator[Contestant]:
    """Run both services of the checkout at `path`, on a second database of the same Postgres."""
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_DATABASE}")
    url = pair.database_url.replace("/postgres?", f"/{_DATABASE}?")
    commands = path.resolve() / ".venv/bin"
    environ = {"DATABASE_URL": url, "DOMAIN": pair.environ["DOMAIN"]}
    subprocess.run([commands / "fake-email", "migrate"], env=environ, check=True, capture_output=True)
    other = Pair(url, directory, **LIMITS)
    other.commands = commands
    try:
        other.start_smtp()
        other.start_http()
        yield _of_pair(other, make_mailboxes(other, mailboxes))
    finally:
        other.end()


def peer(target: str) -> Contestant:
    """The server at `target`, `host:port,address`; more addresses may follow, each after a comma."""
    endpoint, *addresses = target.split(",")
    host, _, port = endpoint.rpartition(":")
    return Contestant(
        host=host,
        port=int(port),
        mailboxes=tuple(addresses),
        daemon=_listening_on(int(port)),
        database_url=None,
        python="not known",
    )


def postgres(pair: Pair) -> psutil.Process:
    """The postmaster of the pair's database, which runs on this machine."""
    with psycopg.connect(pair.database_url) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        parent = backend.parent()
    if parent is None:
        raise EOFError("Postgres has ended")
    return parent


def cpu_seconds(process: psutil.Process | None) -> float:
    """The CPU time of a process and all its children so far; 0 without a process."""
    if process is None:
        return 0.0
    ended = process.cpu_times()
    total = ended.children_user + ended.children_system + cpu_time.own_seconds(process)
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += cpu_time.own_seconds(child)
    return total


def _of_pair(pair: Pair, mailboxes: Sequence[str]) -> Contestant:
    python = pair.commands / "python"
    version = subprocess.check_output([python, "-c", "import platform; print(platform.python_version())"], text=True)
    is_optimised = subprocess.run([python, ROOT / "deploy/installer/python_build.py"], check=False).returncode == 0
    built = "built with optimisations" if is_optimised else "built without optimisations"
    return Contestant(
        host="127.0.0.1",
        port=pair.smtp_port,
        mailboxes=tuple(mailboxes),
        daemon=psutil.Process(pair.services[0].pid),
        database_url=pair.database_url,
        python=f"{version.strip()}, {built}",
    )


def _listening_on(port: int) -> psutil.Process | None:
    """The process of this machine that listens on `port`; None when this user cannot see the process."""
    with suppress(psutil.Error):
        for each in psutil.net_connections(kind="tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port and each.pid:
                return psutil.Process(each.pid)
    return None
