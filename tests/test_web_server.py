"""The web server of the browser tests: it counts each connection at once."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from support.waiting import DEADLINE_SECONDS
from support.web_server import CountingServer, WebServer


@pytest.fixture
def server() -> Iterator[WebServer]:
    with closing(WebServer()) as server:
        yield server


def test_a_connection_is_counted_before_it_has_sent_anything(server: WebServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)):
        assert server.connections == 1


def test_a_connection_that_is_forgotten_is_not_counted_later(server: WebServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)):
        server.forget()

        assert server.connections == 0


def test_each_connection_of_a_burst_is_made_at_once() -> None:
    with CountingServer() as server, ExitStack() as connections:
        for _ in range(200):  # while the server accepts none
            connections.enter_context(socket.create_connection(("127.0.0.1", server.server_port), DEADLINE_SECONDS))
