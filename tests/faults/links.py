"""The network between hosts: links that lose packets, links that are slow, and links that are cut silently."""

import itertools
import random
import smtplib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec
import psycopg
from support.content import message
from support.database import own_postgres
from support.waiting import deadline

from faults.host import Hosts
from faults.ledger import Ledger
from faults.network import Network, connected_hosts
from faults.postgres_stage import wait_while_away
from faults.readers import SILENCE_SECONDS
from faults.router import Condition
from faults.stage import Stage, running_stage
from faults.trial import Fault, Scale, Trial

Result = TypeVar("Result")

DATABASE, SMTP, HTTP, CLIENTS = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"
# Less than the shortest cut.
_LEAST_SILENCE_SECONDS = 2
# Less load: our router forwards each packet, and a reader of one message at a time falls behind on a slow link.
_SHARE = 0.25
_URL = f"postgresql://mail:secret@{DATABASE}/postgres"


class NetworkStage(Stage, frozen=True, kw_only=True):
    """Both services, the database and the clients, each on a host of its own."""

    network: Network


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[NetworkStage]:
    """A stage with low limits, so that connections, sessions and waiting calls left behind by a cut would show."""
    with (
        connected_hosts(DATABASE, SMTP, HTTP, CLIENTS) as network,
        own_postgres({"listen_addresses": DATABASE, "max_connections": "40"}, network.hosts[DATABASE].prefix) as server,
    ):
        _let_hosts_connect(server.url)
        environ = {
            "DATABASE_URL": _URL,
            "HTTP_MAX_CLIENT_STREAMS": str(6 * scale.mailboxes),
            "SMTP_EXEMPT_NETWORKS": CLIENTS,
            "SMTP_IDLE_SECONDS": "20",
            "SMTP_MAX_SESSIONS": str(3 * scale.clients),
        }
        hosts = Hosts(smtp=network.hosts[SMTP], http=network.hosts[HTTP], clients=network.hosts[CLIENTS])
        with running_stage(
            server.url, directory, restart_seconds=scale.restart_seconds, environ=environ, hosts=hosts
        ) as stage:
            yield NetworkStage(network=network, **msgspec.structs.asdict(stage))


def _let_hosts_connect(database_url: str) -> None:
    """Let other hosts connect with a password, as a role that may do only what the services do."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE mail LOGIN PASSWORD 'secret' IN ROLE pg_read_all_data, pg_write_all_data")
        [(hba_file,)] = connection.execute("SHOW hba_file").fetchall()
        with Path(hba_file).open("a") as file:
            file.write("host all mail 10.0.0.0/24 scram-sha-256\n")
        connection.execute("SELECT pg_reload_conf()")


def _degrade(condition: Condition) -> Fault:
    """Put the link into this condition; the services have to go on working."""

    def fault(stage: Stage, _chance: random.Random, seconds: float) -> Sequence[str]:
        ends_at = time.monotonic() + seconds
        with network_of(stage).with_condition(condition), stage.clients_host.inside():
            unmet = _use_services(stage)
            time.sleep(max(0, ends_at - time.monotonic()))
        return unmet

    return fault


def _cut_off_the_database(stage: Stage, _chance: random.Random, seconds: float) -> None:
    with network_of(stage).with_condition(Condition(address=DATABASE, is_cut=True)), stage.clients_host.inside():
        wait_while_away(stage, seconds)


def _cut_off_the_database_for_a_moment(stage: Stage, chance: random.Random, seconds: float) -> None:
    """Cut the link too briefly for TCP to give up its connections, and long enough for slow retransmissions."""
    with network_of(stage).with_condition(Condition(address=DATABASE, is_cut=True)):
        time.sleep(chance.uniform(0.9, 1.1) * seconds)


def _cut_off_the_clients(stage: Stage, _chance: random.Random, seconds: float) -> None:
    with network_of(stage).with_condition(Condition(address=CLIENTS, is_cut=True)):
        time.sleep(seconds)


def network_of(stage: Stage) -> Network:
    assert isinstance(stage, NetworkStage)
    return stage.network


def _use_services(stage: Stage) -> list[str]:
    """Create a mailbox, send mail to it and read that mail; return what failed."""
    with httpx.Client(base_url=stage.http_url, timeout=10, verify=False) as http:
        created = _retried(lambda: http.post("/api/temporary-address").raise_for_status().json())
        if created is None:
            return ["no mailbox could be created during the fault"]
        address = created["temp_email_addr"]
        if _retried(lambda: _send(stage, address)) is None:
            return ["no mail was accepted during the fault"]
        parameters = {"address": address, "wait": "5"}
        page = _retried(lambda: http.get("/api/inbox/poll", params=parameters).raise_for_status().json())
        return [] if page and page["messages"] else ["no mail was shown during the fault"]


def _retried(use: Callable[[], Result]) -> Result | None:
    """Return the result of `use` for a client that retries until the deadline; None when every try failed."""
    for _ in deadline():
        with suppress(httpx.HTTPError, smtplib.SMTPException, OSError):
            return use()
    return None


def _send(stage: Stage, address: str) -> bool:
    host, port = stage.smtp_address
    with smtplib.SMTP(host, port, local_hostname="client.test", timeout=10) as client:
        client.sendmail("writer@client.test", [address], message())
    return True


def _no_client_timed_out(ledger: Ledger) -> list[str]:
    """Check that every client was answered, if only to be deferred, before it gave up waiting."""
    return [
        f"{response} never came {count[0]} times"
        for response, count in (("a reply", ledger.replies), ("a response", ledger.statuses))
        if count.get(0)
    ]


def _was_cut(ledger: Ledger) -> list[str]:
    times = sorted(each.acknowledged_at for each in ledger.sent if each.is_acknowledged)
    longest = max(after - before for before, after in itertools.pairwise(times))
    return [] if longest > _LEAST_SILENCE_SECONDS else ["mail was acknowledged throughout the cut"]


def _trials(
    link: str,
    address: str,
    cut_off: Fault,
    unmet: Callable[[Ledger], list[str]],
    *,
    loss: float,
    delay_seconds: float,
    stale_seconds: float = 0,
) -> tuple[Trial, ...]:
    """A link that loses packets, one that is slow, one that is cut; old connections may hang for `stale_seconds`."""
    return (
        Trial(
            name=f"{link}: {loss * 100:.0f} % lost",
            stage=stage,
            fault=_degrade(Condition(address=address, loss=loss)),
            times=2,
            seconds=6,
            short_seconds=1,
            load_share=_SHARE,
            stale_seconds=stale_seconds,
        ),
        Trial(
            name=f"{link}: {delay_seconds * 1_000:.0f} ms each way",
            stage=stage,
            fault=_degrade(Condition(address=address, delay_seconds=delay_seconds)),
            times=2,
            seconds=6,
            short_seconds=1,
            load_share=_SHARE,
        ),
        Trial(
            name=f"{link}: cut",
            stage=stage,
            fault=cut_off,
            times=2,
            seconds=30,
            load_share=_SHARE,
            short_seconds=2.5,
            unmet=unmet,
            stale_seconds=stale_seconds,
        ),
    )


def _trials_of_both_links(*, loss: float, delay_seconds: float) -> tuple[Trial, ...]:
    return (
        *_trials(
            "database link",
            DATABASE,
            _cut_off_the_database,
            _no_client_timed_out,
            loss=loss,
            delay_seconds=delay_seconds,
        ),
        # TCP doubles the interval of its retransmissions. An old connection may therefore hang for as long again as the
        # fault lasted, unless its reader asks again.
        *_trials(
            "clients' link",
            CLIENTS,
            _cut_off_the_clients,
            _was_cut,
            loss=loss,
            delay_seconds=delay_seconds,
            stale_seconds=SILENCE_SECONDS,
        ),
    )


TRIALS = (
    *_trials_of_both_links(loss=0.2, delay_seconds=0.3),
    Trial(
        name="database link: cut for a moment",
        stage=stage,
        fault=_cut_off_the_database_for_a_moment,
        times=5,
        seconds=4,
        load_share=_SHARE,
        unmet=_no_client_timed_out,
    ),
)
# For the test suite.
SHORT_TRIALS = _trials_of_both_links(loss=0.1, delay_seconds=0.1)
