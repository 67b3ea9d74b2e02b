"""The network between hosts: links that lose packets, that are slow, and that are cut without a word."""

import itertools
import random
import smtplib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg
from support.harness import deadline, message, own_postgres

from faults.host import Hosts
from faults.ledger import Ledger
from faults.network import Network, connected
from faults.postgres_stage import stay_away
from faults.readers import SILENCE_SECONDS
from faults.router import Condition
from faults.stage import Stage, staged
from faults.trial import Fault, Scale, Trial

Result = TypeVar("Result")

DATABASE, SMTP, HTTP, CLIENTS = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"
# Less than the shortest cut.
_LEAST_SILENCE_SECONDS = 2
# Each packet passes a router of ours; and a reader who asks for one message at a time falls behind on a slow link.
_SHARE = 0.25
_URL = f"postgresql://mail:secret@{DATABASE}/postgres"


class Spread(Stage, frozen=True, kw_only=True):
    """A pair, its database and its clients, each on a host of its own."""

    network: Network


@contextmanager
def stage(directory: Path, scale: Scale) -> Iterator[Spread]:
    """Limits are such that what a cut leaves behind counts: connections of the database, sessions, answers held."""
    with (
        connected(DATABASE, SMTP, HTTP, CLIENTS) as network,
        own_postgres({"listen_addresses": DATABASE, "max_connections": "40"}, network.hosts[DATABASE].prefix) as server,
    ):
        _let_in(server.url)
        environ = {
            "DATABASE_URL": _URL,
            "HTTP_MAX_CLIENT_STREAMS": str(6 * scale.mailboxes),
            "SMTP_EXEMPT_NETWORKS": CLIENTS,
            "SMTP_IDLE_SECONDS": "20",
            "SMTP_MAX_SESSIONS": str(3 * scale.clients),
        }
        hosts = Hosts(smtp=network.hosts[SMTP], http=network.hosts[HTTP], clients=network.hosts[CLIENTS])
        with staged(
            server.url, directory, restart_seconds=scale.restart_seconds, environ=environ, hosts=hosts
        ) as stage:
            yield Spread(network=network, **{name: getattr(stage, name) for name in Stage.__struct_fields__})


def _let_in(database_url: str) -> None:
    """Other hosts come as a role that may do what the services do, and no more, with a password."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE mail LOGIN PASSWORD 'secret' IN ROLE pg_read_all_data, pg_write_all_data")
        [(hba_file,)] = connection.execute("SHOW hba_file").fetchall()
        with Path(hba_file).open("a") as file:
            file.write("host all mail 10.0.0.0/24 scram-sha-256\n")
        connection.execute("SELECT pg_reload_conf()")


def _go_on(condition: Condition) -> Fault:
    """The link is like that, and all goes on."""

    def fault(stage: Stage, _chance: random.Random, seconds: float) -> Sequence[str]:
        ends_at = time.monotonic() + seconds
        with network_of(stage).under(condition), stage.clients_host.inside():
            words = _use(stage)
            time.sleep(max(0, ends_at - time.monotonic()))
        return words

    return fault


def _cut_off_the_database(stage: Stage, _chance: random.Random, seconds: float) -> None:
    with network_of(stage).under(Condition(address=DATABASE, is_cut=True)), stage.clients_host.inside():
        stay_away(stage, seconds)


def _cut_off_the_database_for_a_moment(stage: Stage, chance: random.Random, seconds: float) -> None:
    """Too short for TCP to give up what stood, and long enough for it to take its time afterwards."""
    with network_of(stage).under(Condition(address=DATABASE, is_cut=True)):
        time.sleep(chance.uniform(0.9, 1.1) * seconds)


def _cut_off_the_clients(stage: Stage, _chance: random.Random, seconds: float) -> None:
    with network_of(stage).under(Condition(address=CLIENTS, is_cut=True)):
        time.sleep(seconds)


def network_of(stage: Stage) -> Network:
    assert isinstance(stage, Spread)
    return stage.network


def _use(stage: Stage) -> list[str]:
    """A mailbox is made, mail sent to it, and read; what could not be done."""
    with httpx.Client(base_url=stage.http_url, timeout=10, verify=False) as http:
        made = _tried(lambda: http.post("/api/temporary-address").raise_for_status().json())
        if made is None:
            return ["no mailbox could be made meanwhile"]
        address = made["temp_email_addr"]
        if _tried(lambda: _send(stage, address)) is None:
            return ["no mail was taken meanwhile"]
        parameters = {"address": address, "wait": "5"}
        page = _tried(lambda: http.get("/api/inbox/poll", params=parameters).raise_for_status().json())
        return [] if page and page["messages"] else ["no mail was shown meanwhile"]


def _tried(use: Callable[[], Result]) -> Result | None:
    """What a client gets that tries again, for as long as clients do that."""
    for _ in deadline():
        with suppress(httpx.HTTPError, smtplib.SMTPException, OSError):
            return use()
    return None


def _send(stage: Stage, address: str) -> bool:
    host, port = stage.smtp_address
    with smtplib.SMTP(host, port, local_hostname="client.test", timeout=10) as client:
        client.sendmail("writer@client.test", [address], message())
    return True


def _nobody_waited_in_vain(ledger: Ledger) -> list[str]:
    """Who is told to come again in time does not give up waiting."""
    return [
        f"{what} was waited for in vain {count[0]} times"
        for what, count in (("a reply", ledger.replies), ("an answer", ledger.statuses))
        if count.get(0)
    ]


def _was_cut(ledger: Ledger) -> list[str]:
    times = sorted(each.acknowledged_at for each in ledger.sent if each.is_acknowledged)
    longest = max(after - before for before, after in itertools.pairwise(times))
    return [] if longest > _LEAST_SILENCE_SECONDS else ["mail was acknowledged all the time"]


def _trials(
    link: str,
    address: str,
    cut_off: Fault,
    unmet: Callable[[Ledger], list[str]],
    *,
    loss: float,
    delay_seconds: float,
    standing_seconds: float = 0,
) -> tuple[Trial, ...]:
    """A link that loses, one that is slow, and one that is cut; what stood may be silent for `standing_seconds`."""
    return (
        Trial(
            name=f"{link}: {loss * 100:.0f} % lost",
            stage=stage,
            fault=_go_on(Condition(address=address, loss=loss)),
            times=2,
            seconds=6,
            short_seconds=1,
            share=_SHARE,
            standing_seconds=standing_seconds,
        ),
        Trial(
            name=f"{link}: {delay_seconds * 1_000:.0f} ms each way",
            stage=stage,
            fault=_go_on(Condition(address=address, delay_seconds=delay_seconds)),
            times=2,
            seconds=6,
            short_seconds=1,
            share=_SHARE,
        ),
        Trial(
            name=f"{link}: cut",
            stage=stage,
            fault=cut_off,
            times=2,
            seconds=30,
            share=_SHARE,
            short_seconds=2.5,
            unmet=unmet,
            standing_seconds=standing_seconds,
        ),
    )


def _of_both_links(*, loss: float, delay_seconds: float) -> tuple[Trial, ...]:
    return (
        *_trials(
            "database link",
            DATABASE,
            _cut_off_the_database,
            _nobody_waited_in_vain,
            loss=loss,
            delay_seconds=delay_seconds,
        ),
        # TCP tries again after twice as long each time, so a connection that stood may be silent for as long again as
        # the fault was, unless its reader asks anew.
        *_trials(
            "clients' link",
            CLIENTS,
            _cut_off_the_clients,
            _was_cut,
            loss=loss,
            delay_seconds=delay_seconds,
            standing_seconds=SILENCE_SECONDS,
        ),
    )


TRIALS = (
    *_of_both_links(loss=0.2, delay_seconds=0.3),
    Trial(
        name="database link: cut for a moment",
        stage=stage,
        fault=_cut_off_the_database_for_a_moment,
        times=5,
        seconds=4,
        share=_SHARE,
        unmet=_nobody_waited_in_vain,
    ),
)
# As the suite has it.
SHORT_TRIALS = _of_both_links(loss=0.1, delay_seconds=0.1)
