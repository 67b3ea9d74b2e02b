"""The socket of a socket unit outlives the service: a client that connects during a restart waits for a response."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from support.harness import Pair, Service
from support.service_manager import Manager
from support.waiting import DEADLINE_SECONDS, deadline

_HEAD = b"POST /api/temporary-address HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
_BODY = b'{"username": "ann"}'
REQUEST = _HEAD + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY


@pytest.fixture
def listener(own_pair: Pair) -> Iterator[socket.socket]:
    """The socket that the service manager holds."""
    with socket.create_server(("127.0.0.1", int(own_pair.environ["HTTP_PORT"])), backlog=4_096) as listener:
        yield listener


async def post(port: int) -> bytes:
    """The status line of the response to a POST, which is sent as by a proxy: once, on its own connection."""
    async with asyncio.timeout(2 * DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.sleep(0)  # let other connections come between this one and its request
            writer.write(REQUEST)
            return (await reader.read()).partition(b"\r\n")[0]
        except ConnectionError as error:
            return str(error).encode()
        finally:
            writer.close()


def test_the_socket_that_is_named_for_metrics_has_the_metrics(own_pair: Pair, listener: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as metrics:
        service = own_pair.start_http(metrics, listener, LISTEN_FDNAMES="metrics:fake-email-http-api.socket")
        shown = service.wait_for_event("metrics_listening")

        assert shown["port"] == metrics.getsockname()[1]


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_every_post_gets_its_response_while_http_api_restarts_again_and_again(
    own_pair: Pair, listener: socket.socket, workers: str
) -> None:
    over = asyncio.Event()
    answers: list[bytes] = []

    async def ask() -> None:
        while not over.is_set():
            answers.append(await post(listener.getsockname()[1]))

    service = await asyncio.to_thread(own_pair.start_http, listener, HTTP_WORKERS=workers)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(30):
            tasks.create_task(ask())
        for _ in range(3):
            assert await asyncio.to_thread(service.stop) == 0
            service = await asyncio.to_thread(own_pair.start_http, listener, HTTP_WORKERS=workers)
        over.set()

    assert set(answers) == {b"HTTP/1.1 200 OK"}


async def test_a_client_that_connects_before_a_stop_and_sends_after_it_is_served_by_the_next_process(
    own_pair: Pair, listener: socket.socket
) -> None:
    service = await asyncio.to_thread(own_pair.start_http, listener)
    async with asyncio.timeout(2 * DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        assert await post(listener.getsockname()[1]) == b"HTTP/1.1 200 OK"  # accepted later than the first
        assert await asyncio.to_thread(service.stop) == 0

        writer.write(REQUEST)
        await asyncio.to_thread(own_pair.start_http, listener)

        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        writer.close()


def test_a_stop_signal_that_comes_while_a_worker_starts_takes_effect(own_pair: Pair, tmp_path: Path) -> None:
    with (tmp_path / "stopped.log").open("wb") as log:
        service = Service("http-api", own_pair.environ, log)
    own_pair.services.append(service)
    assert any(psutil.Process(service.pid).children() for _ in deadline())

    assert service.stop() == 0

    assert "refused" not in service.log.read_text()  # Granian logs it of a worker that it had to kill


async def test_a_request_that_came_before_the_process_started_is_served(
    own_pair: Pair, listener: socket.socket
) -> None:
    asked = asyncio.create_task(post(listener.getsockname()[1]))

    await asyncio.to_thread(own_pair.start_http, listener)

    assert await asked == b"HTTP/1.1 200 OK"


async def test_a_request_that_waits_when_a_process_is_killed_is_served_by_the_next(
    own_pair: Pair, listener: socket.socket
) -> None:
    service = await asyncio.to_thread(own_pair.start_http, listener)
    service.kill()
    asked = asyncio.create_task(post(listener.getsockname()[1]))

    await asyncio.to_thread(own_pair.start_http, listener)

    assert await asked == b"HTTP/1.1 200 OK"


def test_the_service_reports_ready_once_it_serves_requests_and_not_when_the_port_is_open(
    own_pair: Pair, listener: socket.socket, tmp_path: Path
) -> None:
    with closing(Manager(str(tmp_path / "notify"))) as manager:
        own_pair.start_http(listener, **manager.environ)

        assert manager.wait_for("READY") == {"READY": "1"}
