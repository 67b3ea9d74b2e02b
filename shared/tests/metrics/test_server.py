"""The server of the page of metrics: what it responds to, and that no client keeps it from the others."""

import socket
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from support.waiting import DEADLINE_SECONDS

from fake_email.metrics import server
from fake_email.metrics.numbers import Description

METRICS = (Description(name="smtp_ingest_sessions", kind="gauge", text="Open sessions."),)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.start("smtp-ingest", listening, METRICS, lambda: [[7.0]])
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def answer(port: int, request: bytes) -> bytes:
    """The whole response to these octets."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def test_get_has_the_numbers(port: int) -> None:
    head, _, body = answer(port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\nsmtp_ingest_sessions 7.0\n" in body
    assert b"\nContent-Length: %d\r\n" % len(body) in head


def test_the_accept_field_chooses_openmetrics(port: int) -> None:
    page = answer(port, b"GET /metrics HTTP/1.1\r\naCCept: application/openmetrics-text\r\n\r\n")

    assert page.endswith(b"# EOF\n")


def test_head_has_no_content(port: int) -> None:
    page = answer(port, b"HEAD /metrics HTTP/1.0\r\n\r\n")

    assert page.startswith(b"HTTP/1.1 200 OK\r\n")
    assert page.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET /metrics/x HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"405 Method Not Allowed"),
        (b"EHLO client.test\r\n\r\n", b"400 Bad Request"),
        (b"\x16\x03\x01\r\n\r\n", b"400 Bad Request"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 8_192, b"431 Request Header Fields Too Large"),
    ],
)
def test_any_other_request_is_refused(port: int, request_: bytes, status: bytes) -> None:
    assert answer(port, request_).startswith(b"HTTP/1.1 " + status + b"\r\n")


def test_a_refused_request_is_logged_once_a_minute() -> None:
    with capture_logs() as logged, socket.create_server(("127.0.0.1", 0)) as listening:
        server.start("smtp-ingest", listening, METRICS, lambda: [[7.0]])
        for _ in range(2):
            answer(listening.getsockname()[1], b"EHLO client.test\r\n\r\n")
        answer(listening.getsockname()[1], b"GET /metrics HTTP/1.1\r\n\r\n")  # the second one is over
        listening.shutdown(socket.SHUT_RDWR)

    assert [each for each in logged if each["event"] == "scrape_refused"] == [
        {"event": "scrape_refused", "log_level": "warning", "status": 400}
    ]


def test_a_client_that_sends_nothing_delays_others_by_a_second_at_most(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS) as silent:
        page = answer(port, b"GET /metrics HTTP/1.1\r\n\r\n")

        assert page.startswith(b"HTTP/1.1 200 OK\r\n")
        assert silent.recv(1) == b""
