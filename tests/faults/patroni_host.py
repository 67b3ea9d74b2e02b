"""One host of a Patroni cluster: an address of 127.0.0.0/8 with etcd, Patroni and Postgres.

Patroni and Postgres have a PID namespace of their own: they end at once when the host is killed, or when this process
ends.
"""

import json
import os
import pwd
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil
from postgres_cluster import ends_with_us

ROLE = "fake-email"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Ends whatever a program of this namespace has started when the program ends. Patroni reads /proc, which must fit.
NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")
# Debian's.
_POSTGRES_PROGRAMS = Path("/usr/lib/postgresql")
_LEAST_POSTGRES = 14
# A replica that lost its primary tries again at once; by default after 5 s, for which commits would wait.
_PARAMETERS = {"max_connections": 100, "wal_keep_size": "1GB", "wal_retrieve_retry_interval": "200ms"}
# By default these are 30, 10 and 10: a primary that ends is replaced after `ttl` at the latest.
_DYNAMIC = {
    "ttl": 8,
    "loop_wait": 1,
    "retry_timeout": 3,
    "synchronous_mode": True,
    "postgresql": {"use_pg_rewind": True, "parameters": _PARAMETERS},
}
_TRUST = [f"host {what} all 127.0.0.0/8 trust" for what in ("all", "replication")]


class PatroniHost:
    """One host: its etcd, its Patroni, and the Postgres that Patroni starts."""

    def __init__(self, name: str, address: str, directory: Path, addresses: dict[str, str]) -> None:
        self.name = name
        self.address = address
        self._directory = directory
        self._addresses = addresses
        self._log = (directory / f"{name}.log").open("ab")
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start etcd and Patroni, which starts Postgres."""
        config = self._directory / f"{self.name}.json"  # JSON is YAML
        config.write_text(json.dumps(self._config()))
        alone = [*ends_with_us("KILL"), *NAMESPACE]
        self._running = [
            start_unprivileged(self._etcd(), self._directory, self._log),
            start_unprivileged(["patroni", str(config)], self._directory, self._log, alone),
        ]

    def kill(self) -> None:
        """End all processes of the host, as a loss of power does."""
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()

    def suspend(self) -> None:
        """Freeze Patroni and Postgres.

        etcd runs on: the kernel would keep its connections, and Patroni 3.0 waits on them for good.
        """
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):  # Patroni starts short commands
                process.suspend()

    def resume(self) -> None:
        """Let them go on."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def end(self) -> None:
        self.kill()
        self._log.close()

    def _processes(self) -> Iterator[psutil.Process]:
        patroni = psutil.Process(self._running[-1].pid)
        yield patroni
        yield from patroni.children(recursive=True)

    def _etcd(self) -> list[str]:
        clients, peers = f"http://{self.address}:2379", f"http://{self.address}:2380"
        cluster = ",".join(f"{name}=http://{address}:2380" for name, address in self._addresses.items())
        options = {
            "name": self.name,
            "data-dir": str(self._directory / f"{self.name}-etcd"),
            "listen-client-urls": clients,
            "advertise-client-urls": clients,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": cluster,
            # Patroni's cache of the other API went stale in three of twenty fail-overs: no standby was synchronous.
            "enable-v2": "true",
        }
        return ["etcd", *(f"--{name}={value}" for name, value in options.items())]

    def _config(self) -> dict[str, object]:
        sockets = self._directory / f"{self.name}-sockets"
        sockets.mkdir(exist_ok=True)
        give_away(sockets)
        return {
            "scope": ROLE,
            "name": self.name,
            "etcd": {"hosts": [f"{address}:2379" for address in self._addresses.values()]},
            "restapi": {"listen": f"{self.address}:8008", "connect_address": f"{self.address}:8008"},
            "bootstrap": {"dcs": _DYNAMIC, "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"]},
            "postgresql": {
                "listen": f"{self.address}:5432",
                "connect_address": f"{self.address}:5432",
                "data_dir": str(self._directory / f"{self.name}-postgres"),
                "bin_dir": str(postgres_programs()),
                "pgpass": str(sockets / "pgpass"),
                "pg_hba": _TRUST,
                "parameters": {"unix_socket_directories": str(sockets)},
                "basebackup": [{"checkpoint": "fast"}],
                "authentication": {
                    "superuser": {"username": "postgres"},
                    "replication": {"username": "replicator"},
                },
            },
        }


def start_unprivileged(
    command: Sequence[str], directory: Path, log: IO[bytes], prefix: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """Start a program as the owner of the cluster; it ends with this process."""
    owner = directory.stat()
    user = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups", "--pdeathsig=KILL"]
    return subprocess.Popen(
        [*prefix, *user, *command],
        cwd=directory,
        env={"PATH": f"{postgres_programs()}:{PATH}", "LC_ALL": "C.UTF-8", "HOME": str(directory)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )


def give_away(directory: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)


def postgres_programs() -> Path:
    """Return the directory of Debian's newest Postgres."""
    versions = (int(each.name) for each in _POSTGRES_PROGRAMS.glob("[1-9]*") if (each / "bin/postgres").exists())
    return _POSTGRES_PROGRAMS / str(max(versions, default=_LEAST_POSTGRES)) / "bin"
