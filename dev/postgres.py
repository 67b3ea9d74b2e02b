"""The embedded Postgres of `make run`, the tests and the benchmark; its programs come from a wheel."""

import atexit
import fcntl
import functools
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import postgres_cluster
import psutil
from postgres_cluster import PostgresError

# https://www.postgresql.org/docs/current/server-shutdown.html
_STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_START_SECONDS = 30.0
_STOP_SECONDS = 1.0
# The path of a Unix socket has at most 103 octets on macOS, 107 on Linux; "/.s.PGSQL.5432" takes 14.
_LONGEST_SOCKET_DIRECTORY = 88
# With these, a crash of the machine can lose data; a crash of the server process cannot. The WAL stays small in memory.
_NOT_DURABLE = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_wal_size=256MB")
# Files in memory (tmpfs) on Linux. A new database is 300 files: to create them on a disk takes five times as long.
_MEMORY = Path("/dev/shm")
_LEAST_MEMORY_OCTETS = 4 * 1024**3


class EmbeddedPostgres:
    """A cluster in `directory`, created at the first start; its URL stays the same across restarts.

    The server listens on a Unix socket only, unless `settings` (of postgresql.conf) say otherwise. `prefix` is a
    command that executes the server. A new cluster is a copy of `pattern`, a cluster that no server uses, or the work
    of initdb. On Linux, a server started from the main thread does not outlive this process.
    """

    def __init__(
        self,
        directory: Path,
        *,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        pattern: Path | None = None,
    ) -> None:
        self._directory = directory.resolve()
        self._durable = durable
        self._settings = {"listen_addresses": "", "max_connections": "200", **(settings or {})}
        self._prefix = prefix
        self._pattern = pattern
        self._log = self._beside(".log")
        self._lock = -1
        self._server: subprocess.Popen[bytes] | None = None
        self._sockets = self._directory
        if len(os.fsencode(self._directory)) > _LONGEST_SOCKET_DIRECTORY:
            self._sockets = Path("/tmp") / f"fake-email-{hashlib.sha256(bytes(self._directory)).hexdigest()[:16]}"

    @property
    def url(self) -> str:
        """A libpq URI for the superuser of the database `postgres`."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._sockets), safe='')}"

    @property
    def postmaster_pid(self) -> int:
        """The pid of the postmaster, which ends the server when it ends; raises PostgresError when none runs."""
        if self._server is None:
            raise PostgresError(f"the Postgres in {self._directory} is not running")
        return self._server.pid

    def start(self) -> None:
        """Replace any running server, and return when the new one accepts connections; raises PostgresError."""
        self.stop("immediate")
        self._take_lock()
        self._end_leftovers()
        if not (self._directory / "PG_VERSION").exists():
            postgres_cluster.create(self._directory, durable=self._durable, pattern=self._pattern)
        self._make_socket_directory()
        command = [
            *self._prefix,
            *postgres_cluster.unprivileged(self._directory, on_our_death="INT"),
            str(postgres_cluster.programs() / "postgres"),
            *("-D", str(self._directory)),
            *("-c", f"unix_socket_directories={self._sockets if self._is_long else '.'}"),
            *(() if self._durable else _NOT_DURABLE),
            *(each for name, value in self._settings.items() for each in ("-c", f"{name}={value}")),
        ]
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_until_ready(self._server)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server, or kill it after a second: the next start then recovers its data."""
        if self._server is not None:
            self._server.send_signal(_STOP_SIGNALS[mode])
            try:
                self._server.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None
            self._end_leftovers()
        if self._is_long:
            shutil.rmtree(self._sockets, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @property
    def _is_long(self) -> bool:
        return self._sockets != self._directory

    def _beside(self, suffix: str) -> Path:
        return self._directory.with_name(self._directory.name + suffix)

    def _take_lock(self) -> None:
        """Lock the cluster: without a lock, two starts would each end the other's server as a leftover."""
        self._directory.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self._beside(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PostgresError(f"another process is using the Postgres in {self._directory}: stop it first") from None

    def _end_leftovers(self) -> None:
        """End the server processes that a killed run or a killed postmaster left in the directory."""
        deadline = time.monotonic() + _STOP_SECONDS
        while left := self._processes():
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGQUIT if time.monotonic() < deadline else signal.SIGKILL)
            time.sleep(0.01)
        # Postgres would mistake an unrelated process with the pid in these files for a running server.
        (self._directory / "postmaster.pid").unlink(missing_ok=True)
        (self._sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _processes(self) -> list[psutil.Process]:
        """The processes of the server: each has the directory as its working directory."""
        return [
            process
            for process in psutil.process_iter(["name", "cwd"])
            if process.info["name"] == "postgres" and process.info["cwd"] == str(self._directory)
        ]

    def _make_socket_directory(self) -> None:
        if self._is_long:
            # mkdir fails when another user owns the directory, because rmtree cannot remove it then.
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets.mkdir(mode=0o700)
            os.chown(self._sockets, self._directory.stat().st_uid, -1)

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        """Wait until the postmaster writes "ready" into its pid file, as `pg_ctl --wait` does."""
        pid_file = self._directory / "postmaster.pid"
        deadline = time.monotonic() + _START_SECONDS
        while server.poll() is None and time.monotonic() < deadline:
            # The file may not exist yet, and a server that fails to start removes it at any moment.
            with suppress(FileNotFoundError):
                lines = pid_file.read_text().splitlines()
                if lines[7:] and lines[7].strip() in {"ready", "standby"}:
                    return
            time.sleep(0.01)
        self.stop("immediate")
        raise PostgresError(
            f"Postgres did not start: {postgres_cluster.last_line(self._log.read_text())} (see {self._log})"
        )


@contextmanager
def embedded(directory: Path, *, durable: bool = True) -> Iterator[str]:
    """Run the cluster in `directory` until the end of the block, and yield its URL."""
    server = EmbeddedPostgres(directory, durable=durable)
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


@functools.cache
def in_memory() -> Path | None:
    """A directory whose files are in memory; None where there is none, or little memory (64 MB in many containers)."""
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _LEAST_MEMORY_OCTETS:
        return None
    return _MEMORY


@functools.cache
def _empty_cluster() -> Path:
    """An empty cluster, deleted when this process ends; to copy it takes a third of the time of initdb."""
    parent = Path(tempfile.mkdtemp(prefix="fake-email-", dir=in_memory()))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    postgres_cluster.create(parent / "postgres", durable=False)
    return parent / "postgres"


@contextmanager
def throw_away(
    *, durable: bool = False, settings: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
) -> Iterator[EmbeddedPostgres]:
    """Yield a running server with a new cluster; both are deleted after the block.

    A cluster that is not durable has its files in memory, where the machine has enough of it.
    """
    with tempfile.TemporaryDirectory(prefix="fake-email-", dir=None if durable else in_memory()) as parent:
        server = EmbeddedPostgres(
            Path(parent) / "postgres", durable=durable, settings=settings, prefix=prefix, pattern=_empty_cluster()
        )
        try:
            server.start()
            yield server
        finally:
            server.stop("immediate")
