"""Reports to the service manager: that every worker is ready, and that every worker is still alive."""

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from support.database import make_mailbox
from support.harness import Pair, Service, failed_start
from support.http_client import client
from support.service_manager import Manager

WATCHDOG = {"WATCHDOG_USEC": "80000"}


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with closing(Manager(str(tmp_path / "notify"))) as manager:
        yield manager


@pytest.fixture
def watched(own_pair: Pair, manager: Manager) -> Service:
    """Two workers, whose service manager waits 80 ms for a report."""
    return own_pair.start_http(HTTP_WORKERS="2", **manager.environ, **WATCHDOG)


def workers(service: Service) -> list[psutil.Process]:
    return psutil.Process(service.pid).children()


def test_the_service_reports_ready_once_it_serves_requests(own_pair: Pair, manager: Manager) -> None:
    own_pair.start_http(**manager.environ)

    told = manager.wait_for("READY")

    assert told == {"READY": "1"}
    assert own_pair.is_healthy()


def test_the_service_reports_again_and_again(watched: Service, manager: Manager) -> None:
    fed = [manager.wait_for("WATCHDOG")["WATCHDOG"] for _ in range(5)]

    assert fed == ["1"] * 5


async def test_a_report_has_the_number_of_open_streams(watched: Service, manager: Manager, own_pair: Pair) -> None:
    address = make_mailbox(own_pair.database_url)

    async with (
        client(own_pair.http_url) as http,
        http.stream("GET", "/api/inbox/stream", params={"address": address}),
        http.stream("GET", "/api/inbox/stream", params={"address": address}),
    ):
        told = manager.wait_for("STATUS", lambda status: not status.startswith(("0 ", "1 ")))

    assert told["STATUS"] == "2 streams"


def test_the_service_is_silent_while_one_of_two_workers_hangs(watched: Service, manager: Manager) -> None:
    manager.wait_for("READY")
    hung = workers(watched)[0]

    hung.send_signal(signal.SIGSTOP)
    manager.wait_for_silence()

    hung.send_signal(signal.SIGCONT)
    assert manager.wait_for("WATCHDOG")["WATCHDOG"] == "1"


def test_a_manager_that_does_not_read_delays_no_call(watched: Service, manager: Manager, own_pair: Pair) -> None:
    manager.wait_for("READY")

    manager.overwhelm()

    assert [own_pair.is_healthy() for _ in range(20)] == [True] * 20


def test_a_watchdog_setting_that_is_no_number_ends_the_start_with_one_line_that_names_it() -> None:
    ended = failed_start("http-api", DOMAIN="mx.test", WATCHDOG_USEC="soon")

    assert ended.returncode == 2
    assert ended.stderr == "WATCHDOG_USEC: not a number; only the service manager sets it\n"
