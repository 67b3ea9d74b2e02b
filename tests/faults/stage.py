"""Where faults happen: both services under a supervisor, on a database, and a process of clients outside."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import msgspec
from support.harness import DOMAINS, GENEROUS, deadline

from faults.host import LOOPBACK, Host, Hosts
from faults.ledger import Ledger
from faults.load_commands import Await, Begin, BeWell, Done, Finish, Order
from faults.program import Program
from faults.supervisor import Supervised

_BACKLOG = 1_024
_HERE = Hosts()
_PLENTY = {"MAILBOX_QUOTA_MESSAGES": "1000000", "MAILBOX_QUOTA_OCTETS": str(10**12)}


class Clients:
    """The process outside, by what it is told and answers."""

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        self._prefix = prefix
        self._program = Program("faults.load", prefix)
        self._is_at_it = False

    def begin(self, order: Begin) -> None:
        """Return when all of them are at it."""
        if self._is_at_it:  # a fault that failed never came to its end
            self.end()
            self._program = Program("faults.load", self._prefix)
        self._is_at_it = True
        self._tell(order)

    def await_acknowledged(self, more: int) -> int:
        """How many messages are acknowledged, amid a rush, once so many more are, or after a minute."""
        return msgspec.json.decode(self._tell(Await(acknowledged=more)), type=Done).acknowledged

    def be_well(self, within_seconds: float, standing_seconds: float = 0) -> None:
        """Return when every mailbox takes mail and every reader shows it, or after a minute."""
        self._tell(BeWell(within_seconds=within_seconds, standing_seconds=standing_seconds))

    def finish(self) -> Ledger:
        """What they know, once all is settled and read."""
        ledger = msgspec.json.decode(self._tell(Finish()), type=Ledger)
        self._is_at_it = False
        return ledger

    def end(self) -> None:
        self._program.end()

    def _tell(self, order: Order) -> bytes:
        return self._program.tell(order)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A pair that runs, and the way to it, from the host of the clients, and to its database, from here."""

    database_url: str
    smtp: Supervised
    http: Supervised
    smtp_address: tuple[str, int]
    http_url: str
    clients: Clients
    clients_host: Host = LOOPBACK

    def load(self, *, seed: int, mailboxes: int, clients: int, messages_per_second: float) -> Clients:
        """Clients that are at it, and were given new mailboxes."""
        host, port = self.smtp_address
        self.clients.begin(
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
        return self.clients


@contextmanager
def staged(
    database_url: str,
    directory: Path,
    *,
    restart_seconds: float,
    environ: Mapping[str, str] | None = None,
    hosts: Hosts = _HERE,
) -> Iterator[Stage]:
    """Both services, ready; gone after the block. `environ` may have another DATABASE_URL, the way from there."""
    with ExitStack() as ends:
        smtp_listener, http_listener = (ends.enter_context(_listener(host)) for host in (hosts.smtp, hosts.http))
        settings = {
            "DATABASE_URL": database_url,
            "DOMAIN": ",".join(DOMAINS),
            **GENEROUS,
            **_PLENTY,
            **(environ or {}),
        }
        services = []
        for name, listener, prefix in (
            ("smtp-ingest", smtp_listener, hosts.smtp.prefix),
            ("http-api", http_listener, hosts.http.prefix),
        ):
            service = Supervised(
                name, settings, directory, restart_seconds=restart_seconds, listener=listener, prefix=prefix
            )
            ends.callback(service.end)
            services.append(service)
        clients = Clients(hosts.clients.prefix)
        ends.callback(clients.end)
        smtp, http = services
        stage = Stage(
            database_url=database_url,
            smtp=smtp,
            http=http,
            smtp_address=smtp_listener.getsockname(),
            http_url=f"http://{hosts.http.address}:{http_listener.getsockname()[1]}",
            clients=clients,
            clients_host=hosts.clients,
        )
        wait_until_ready(stage)
        yield stage


def _listener(host: Host) -> socket.socket:
    """What a socket unit holds."""
    with host.inside():
        return socket.create_server((host.address, 0), backlog=_BACKLOG)


def wait_until_ready(stage: Stage) -> None:
    """Return when the API says that it is well."""
    with stage.clients_host.inside():
        for _ in deadline():
            with suppress(httpx.TransportError):
                if httpx.get(f"{stage.http_url}/api/health").is_success:
                    return
    raise AssertionError(f"not ready: {stage.http.service.log.read_text()}")
