"""The stage of a fault: both services under a supervisor, their database, and the load process."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import msgspec
from support.harness import DOMAINS, GENEROUS
from support.waiting import deadline

from faults.host import LOOPBACK, Host, Hosts
from faults.ledger import Ledger
from faults.load_commands import Await, Begin, CheckRecovery, Command, Done, Finish
from faults.program import Program
from faults.supervisor import SupervisedService

_BACKLOG = 1_024
_ONE_HOST = Hosts()
_QUOTAS = {"MAILBOX_QUOTA_MESSAGES": "1000000", "MAILBOX_QUOTA_OCTETS": str(10**12)}


class LoadProcess:
    """The load process, through its commands and responses."""

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        self._prefix = prefix
        self._program = Program("faults.load", prefix)
        self._has_begun = False

    def begin(self, command: Begin) -> None:
        """Start all readers and SMTP clients."""
        if self._has_begun:  # a fault that failed did not finish its load
            self.end()
            self._program = Program("faults.load", self._prefix)
        self._has_begun = True
        self._request(command)

    def await_acknowledged(self, more: int) -> int:
        """Send without pauses until `more` messages are acknowledged, or for a minute; return how many are."""
        return msgspec.json.decode(self._request(Await(acknowledged=more)), type=Done).acknowledged

    def check_recovery(self, within_seconds: float, stale_seconds: float = 0) -> None:
        """Check that every mailbox accepts mail and every reader shows it; return after a minute at the latest."""
        self._request(CheckRecovery(within_seconds=within_seconds, stale_seconds=stale_seconds))

    def finish(self) -> Ledger:
        """Return the ledger, once all messages are settled and read."""
        ledger = msgspec.json.decode(self._request(Finish()), type=Ledger)
        self._has_begun = False
        return ledger

    def end(self) -> None:
        self._program.end()

    def _request(self, command: Command) -> bytes:
        return self._program.request(command)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A running pair: its addresses as seen from the clients' host, and its database as seen from this host."""

    database_url: str
    smtp: SupervisedService
    http: SupervisedService
    smtp_address: tuple[str, int]
    http_url: str
    load_process: LoadProcess
    clients_host: Host = LOOPBACK

    def start_load(self, *, seed: int, mailboxes: int, clients: int, messages_per_second: float) -> LoadProcess:
        """Put load on the pair, with new mailboxes."""
        host, port = self.smtp_address
        self.load_process.begin(
            Begin(
                smtp_host=host,
                smtp_port=port,
                http_url=self.http_url,
                seed=seed,
                mailboxes=mailboxes,
                clients=clients,
                messages_per_second=messages_per_second,
            )
        )
        return self.load_process


@contextmanager
def running_stage(
    database_url: str,
    directory: Path,
    *,
    restart_seconds: float,
    environ: Mapping[str, str] | None = None,
    hosts: Hosts = _ONE_HOST,
) -> Iterator[Stage]:
    """Run both services during the block, `environ` may name the database as the services see it."""
    with ExitStack() as ends:
        smtp_socket, http_socket = (ends.enter_context(_bind(host)) for host in (hosts.smtp, hosts.http))
        settings = {
            "DATABASE_URL": database_url,
            "DOMAIN": ",".join(DOMAINS),
            "AUTHENTICATION": "off",  # the checks would ask the resolver of this machine
            **GENEROUS,
            **_QUOTAS,
            **(environ or {}),
        }
        services = []
        for name, bound, prefix in (
            ("smtp-ingest", smtp_socket, hosts.smtp.prefix),
            ("http-api", http_socket, hosts.http.prefix),
        ):
            service = SupervisedService(
                name, settings, directory, restart_seconds=restart_seconds, bound=bound, prefix=prefix
            )
            ends.callback(service.end)
            services.append(service)
        load_process = LoadProcess(hosts.clients.prefix)
        ends.callback(load_process.end)
        smtp, http = services
        stage = Stage(
            database_url=database_url,
            smtp=smtp,
            http=http,
            smtp_address=smtp_socket.getsockname(),
            http_url=f"http://{hosts.http.address}:{http_socket.getsockname()[1]}",
            load_process=load_process,
            clients_host=hosts.clients,
        )
        _wait_until_ready(stage)
        yield stage


def _bind(host: Host) -> socket.socket:
    """Return a socket like a socket unit's."""
    with host.inside():
        return socket.create_server((host.address, 0), backlog=_BACKLOG)


def _wait_until_ready(stage: Stage) -> None:
    """Return when /api/health reports success."""
    with stage.clients_host.inside():
        for _ in deadline():
            with suppress(httpx.TransportError):
                if httpx.get(f"{stage.http_url}/api/health", verify=False).is_success:
                    return
    raise AssertionError(f"not ready: {stage.http.service.log.read_text()}")
