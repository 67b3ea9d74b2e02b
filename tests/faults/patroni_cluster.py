"""A Patroni cluster of three hosts on this machine, and an haproxy that leads to the primary."""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import msgspec
import psycopg
from postgres import in_memory
from support.database import MIGRATIONS
from support.waiting import deadline

from fake_email.postgres import migrate
from faults.patroni_host import NAMESPACE, PATH, ROLE, PatroniHost, give_away, postgres_programs, start_unprivileged
from faults.trial import Unsupported

_PROGRAMS = ("patroni", "etcd", "haproxy", "setpriv", "unshare")
_PATIENCE_SECONDS = 90.0
_HAPROXY = """
global
    maxconn 1000
defaults
    mode tcp
    timeout connect 2s
    timeout check 2s
    timeout client 1d
    timeout server 1d
listen primary
    bind {address}:5432
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 1s fall 2 rise 1 check port 8008 on-marked-down shutdown-sessions
"""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a host, as Patroni reports it: its role, and whether its Postgres runs or streams."""

    name: str
    role: str = ""
    state: str = ""


class _Members(msgspec.Struct, frozen=True, kw_only=True):
    members: tuple[Member, ...] = ()


class PatroniCluster:
    """Three hosts, and the address of an haproxy that leads to the primary."""

    def __init__(self, directory: Path) -> None:
        network = f"127.{random.randrange(64, 255)}.{random.randrange(255)}"
        addresses = {name: f"{network}.{number}" for number, name in enumerate("abc", 1)}
        self._directory = directory
        self._haproxy_address = f"{network}.9"
        self._haproxy: subprocess.Popen[bytes] | None = None
        self.hosts = {name: PatroniHost(name, address, directory, addresses) for name, address in addresses.items()}

    @property
    def url_of_hosts(self) -> str:
        """Return a URL that names all hosts and selects the primary."""
        hosts = ",".join(each.address for each in self.hosts.values())
        return f"postgresql://{ROLE}@{hosts}/{ROLE}?target_session_attrs=read-write"

    @property
    def url_of_haproxy(self) -> str:
        return f"postgresql://{ROLE}@{self._haproxy_address}/{ROLE}"

    def start(self) -> None:
        """Start all hosts and haproxy, and make the database with our schema."""
        for host in self.hosts.values():
            host.start()
        primary = self.await_whole()
        with psycopg.connect(f"postgresql://postgres@{primary.address}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE ROLE "{ROLE}" LOGIN')
            connection.execute(f'CREATE DATABASE "{ROLE}" OWNER "{ROLE}"')
        with psycopg.connect(self.url_of_hosts, autocommit=True) as connection:
            migrate.migrate(connection, migrate.read(MIGRATIONS))
        self._start_haproxy()

    def await_whole(self) -> PatroniHost:
        """Return the primary once both others follow it, one of them synchronously."""
        for _ in deadline(_PATIENCE_SECONDS):
            members = self._members()
            if sorted(each.role for each in members) == ["leader", "replica", "sync_standby"] and all(
                each.state in {"running", "streaming"} for each in members
            ):
                return next(self.hosts[each.name] for each in members if each.role == "leader")
        raise AssertionError(f"the Patroni cluster is not whole: {self._members()}")

    def await_primary(self, *, but: PatroniHost) -> PatroniHost:
        """Return the new primary once it takes writes."""
        others = [each for each in self.hosts.values() if each is not but]
        for _ in deadline(_PATIENCE_SECONDS):
            for host in others:
                with suppress(httpx.TransportError):
                    if httpx.get(f"http://{host.address}:8008/primary", timeout=2).is_success:
                        return host
        raise AssertionError("no host was promoted")

    def switch_over(self, primary: PatroniHost) -> None:
        """Have Patroni make the synchronous standby the primary, as `patronictl switchover` does."""
        candidate = next(each.name for each in self._members() if each.role == "sync_standby")
        httpx.post(
            f"http://{primary.address}:8008/switchover",
            json={"leader": primary.name, "candidate": candidate},
            timeout=_PATIENCE_SECONDS,
        ).raise_for_status()

    def end(self) -> None:
        if self._haproxy is not None:
            self._haproxy.kill()
            self._haproxy.wait()
        for host in self.hosts.values():
            host.end()

    def _members(self) -> Sequence[Member]:
        for host in self.hosts.values():
            with suppress(httpx.HTTPError):
                answer = httpx.get(f"http://{host.address}:8008/cluster", timeout=2).raise_for_status()
                return msgspec.json.decode(answer.content, type=_Members).members
        return ()

    def _start_haproxy(self) -> None:
        config = self._directory / "haproxy.cfg"
        servers = (f"    server {name} {host.address}:5432\n" for name, host in self.hosts.items())
        config.write_text(_HAPROXY.format(address=self._haproxy_address) + "".join(servers))
        with (self._directory / "haproxy.log").open("wb") as log:
            self._haproxy = start_unprivileged(["haproxy", "-db", "-f", str(config)], self._directory, log)
        for _ in deadline(_PATIENCE_SECONDS):
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url_of_haproxy).close()
                return
        raise AssertionError("haproxy does not lead to the primary")


@contextmanager
def patroni_cluster() -> Iterator[PatroniCluster]:
    """A whole cluster during the block; raises Unsupported."""
    if os.geteuid() != 0:
        raise Unsupported("a Patroni cluster takes root")
    missing = [each for each in _PROGRAMS if shutil.which(each, path=PATH) is None]
    if missing or not postgres_programs().is_dir():
        named = ", ".join(missing or ["postgres"])
        raise Unsupported(f"{named} not installed: apt-get install patroni etcd-server haproxy postgresql")
    tried = subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True, text=True)
    if tried.returncode != 0:
        raise Unsupported(f"no PID namespace can be had here: {tried.stderr.strip()}")
    with tempfile.TemporaryDirectory(prefix="fake-email-", dir=in_memory()) as name:
        directory = Path(name)
        give_away(directory)
        cluster = PatroniCluster(directory)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.end()
