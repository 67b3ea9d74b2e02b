"""A Postgres primary and its streaming replica, which can switch roles."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
import psycopg.conninfo
from postgres import EmbeddedPostgres, in_memory
from postgres_cluster import PostgresError, programs
from support.database import MIGRATIONS, kill
from support.waiting import deadline

from fake_email.postgres import migrate

_SETTINGS = {
    "max_connections": "60",
    "wal_keep_size": "1GB",
    "wal_receiver_timeout": "2s",
    "wal_retrieve_retry_interval": "100ms",
}
_STREAMS = "SELECT state = 'streaming' AND sync_state = %s FROM pg_stat_replication WHERE flush_lsn IS NOT NULL"
_CONFIRMED = "SELECT flush_lsn - '0/0' FROM pg_stat_replication WHERE flush_lsn IS NOT NULL"


class ReplicatedPostgres:
    """Two servers below `directory`; the primary acknowledges a commit once the replica has it."""

    def __init__(self, directory: Path) -> None:
        self._servers = [EmbeddedPostgres(directory / name, settings=_SETTINGS, durable=False) for name in ("a", "b")]
        self._directories = {id(server): directory / name for server, name in zip(self._servers, "ab", strict=True)}
        self.primary, self.replica = self._servers
        self.has_replica = False

    @property
    def url(self) -> str:
        """Return a URL that names both servers and selects the primary."""
        hosts = ",".join(str(psycopg.conninfo.conninfo_to_dict(server.url)["host"]) for server in self._servers)
        return f"postgresql://postgres@/postgres?host={quote(hosts, safe='')}&target_session_attrs=read-write"

    def start(self) -> None:
        self.primary.start()
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            migrate.migrate(connection, migrate.read(MIGRATIONS))
        self.copy_to_replica()

    def copy_to_replica(self) -> None:
        """Make a new replica, and return when it follows the primary."""
        directory = self._directories[id(self.replica)]
        _kill(self.replica)
        shutil.rmtree(directory, ignore_errors=True)
        self._execute_and_reload(self.primary, "ALTER SYSTEM RESET synchronous_standby_names")
        subprocess.run(
            [
                *(programs() / "pg_basebackup", "--dbname", self.primary.url, "--pgdata", directory),
                *("--checkpoint=fast", "--wal-method=stream", "--no-sync", "--write-recovery-conf"),
            ],
            check=True,
            capture_output=True,
        )
        owner = self._directories[id(self.primary)].stat()
        for path in (directory, *directory.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        self.follow()

    def follow(self) -> None:
        """Start the replica, and return when it follows the primary; commits wait for it from then on."""
        self.replica.start()
        self._await_stream("async")
        self._execute_and_reload(self.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        self._await_stream("sync")
        self.has_replica = True

    def bring_back(self) -> None:
        """Start the killed replica, and return when it follows the primary again."""
        self.replica.start()
        self._await_stream("sync")

    def promote(self) -> None:
        """Promote the replica; the new primary has no replica yet."""
        self._execute_and_reload(self.replica, "ALTER SYSTEM RESET synchronous_standby_names")
        self._execute_and_reload(self.replica, "SELECT pg_promote()")
        self.primary, self.replica = self.replica, self.primary
        self.has_replica = False

    def become_replica(self) -> None:
        """Start the former primary, which was shut down before the promotion, as the replica."""
        directory = self._directories[id(self.replica)]
        (directory / "standby.signal").touch()
        with (directory / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{psycopg.conninfo.make_conninfo(self.primary.url)}'\n")
        self.follow()

    def await_traffic(self, octets: int) -> None:
        """Return when the replica has received this much more of the log."""
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            goal = None
            for _ in deadline():
                for (confirmed,) in connection.execute(_CONFIRMED):  # none while the replica connects again
                    goal = goal or confirmed + octets
                    if confirmed >= goal:
                        return
        raise AssertionError("the replica receives nothing")

    def stop(self) -> None:
        for server in self._servers:
            _kill(server)

    def _await_stream(self, sync_state: str) -> None:
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            for _ in deadline():
                if connection.execute(_STREAMS, [sync_state]).fetchall() == [(True,)]:
                    return
        raise AssertionError(f"no replica that is {sync_state}")

    def _execute_and_reload(self, server: EmbeddedPostgres, statement: str) -> None:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(statement)
            connection.execute("SELECT pg_reload_conf()")


def _kill(server: EmbeddedPostgres) -> None:
    """Kill the server; a frozen one would not react to a stop."""
    with suppress(PostgresError, psutil.NoSuchProcess):
        kill(server)
    server.stop("immediate")


@contextmanager
def replicated() -> Iterator[ReplicatedPostgres]:
    """Both servers with our schema during the block, the replica following the primary."""
    with tempfile.TemporaryDirectory(prefix="fake-email-", dir=in_memory()) as directory:
        servers = ReplicatedPostgres(Path(directory))
        try:
            servers.start()
            yield servers
        finally:
            servers.stop()
