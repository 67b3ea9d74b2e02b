"""`make bench`: measure fake-email, mostly as ratios to simpler servers that run in turn on the same machine."""

import argparse
import inspect
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psycopg
import trustme

sys.path.extend(str(Path(__file__).resolve().parents[1] / each) for each in (".", "dev", "tests"))

from environment import ROOT
from postgres import EmbeddedPostgres
from postgres_cluster import PostgresError
from support.harness import Pair, running_pair

from bench import (
    codes,
    crowd,
    edge,
    growth,
    large,
    latency,
    loop,
    memory,
    polling,
    purge,
    search,
    several,
    stalled,
    starttls,
    storing,
    strangers,
    throughput,
    tickets,
    unread,
    waiting,
    wakes,
)
from bench.figures import Lost
from bench.limits import LIMITS
from bench.rivals import Rivals
from fake_email import command, log
from fake_email.postgres import migrate

_MEASURES: dict[str, Callable[[Pair], Iterator[str]]] = {
    "codes": codes.measure,
    "memory": memory.measure,
    "latency": latency.measure,
    "throughput": throughput.measure,
    "storing": storing.measure,
    "several": several.measure,
    "starttls": starttls.measure,
    "large": large.measure,
    "waiting": waiting.measure,
    "edge": edge.measure,
    "crowd": crowd.measure,
    "stalled": stalled.measure,
    "tickets": tickets.measure,
    "polling": polling.measure,
    "search": search.measure,
    "wakes": wakes.measure,
    "strangers": strangers.measure,
    "unread": unread.measure,
    "loop": loop.measure,
    "growth": growth.measure,  # late: it stores a million messages, and deletes all messages at its end
    "purge": purge.measure,  # last: it leaves half a million messages
}


def main() -> None:
    """Exit status 0: measured, whatever the figures. 1: mail was lost or duplicated, or a measure failed."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="|".join(_MEASURES), help="run only these measures")
    parser.add_argument("--against", type=Path, help="measure storing against the checkout in this directory")
    parser.add_argument("--peer", help="measure storing against the running server host:port,address")
    given = parser.parse_args()
    rivals = Rivals(against=given.against, peer=given.peer)
    measures = _MEASURES | {"storing": partial(storing.measure, named=rivals)}
    # A comparison is of storing alone, unless measures are named.
    chosen = given.measures or (["storing"] if given.against or given.peer else list(_MEASURES))
    if unknown := set(chosen) - set(_MEASURES):
        parser.error(f"no such measure: {', '.join(unknown)}")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    command.raise_file_limit()  # a thousand streams are a thousand open files here and in http-api
    log.configure("warning")
    try:
        with _running() as pair:
            for name in chosen:
                print(f"{name}: {inspect.getdoc(sys.modules[_MEASURES[name].__module__])}\n", flush=True)
                for line in measures[name](pair):
                    print(line, flush=True)
                print()
    except KeyboardInterrupt:
        sys.exit(130)
    except (Lost, EOFError, PostgresError) as error:
        sys.exit(f"make bench: {error}")


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave every `with` block; further signals are ignored, so that each block stops its processes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _running() -> Iterator[Pair]:
    """Run both services on a durable Postgres."""
    # The directory for temporary files may be in memory, where a sync costs nothing.
    local = ROOT / ".local"
    local.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=local) as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres", durable=True)
        try:
            server.start()
            with psycopg.connect(server.url, autocommit=True) as connection:
                migrate.migrate(connection, migrate.read(ROOT / "db/migrations"))
            environ = LIMITS | _certificate(Path(directory))
            with running_pair(server.url, Path(directory), **environ) as pair:
                yield pair
        finally:
            server.stop("immediate")


def _certificate(directory: Path) -> dict[str, str]:
    """Write a certificate and its key, and return the settings that name them."""
    issued = trustme.CA().issue_cert("mx.test")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    return {"TLS_CERT_FILE": str(certificate), "TLS_KEY_FILE": str(key)}


if __name__ == "__main__":
    main()
