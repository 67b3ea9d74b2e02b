"""The server of the page of metrics: a thread of its own, which responds to one request after another.

It is for the operator's own Prometheus, on a loopback address or a private network. A client that is slow or sends
something else delays other scrapes by a second, and the service not at all.
"""

import errno
import importlib
import importlib.metadata
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Literal, Protocol

import structlog

from fake_email import systemd
from fake_email.command import bind
from fake_email.errors import SettingsError
from fake_email.metrics.numbers import Description, Metric, Numbers, gauge, read_all
from fake_email.once_a_minute import OnceAMinute

log = structlog.get_logger()

PATH = "/metrics"
BACKLOG = 16
# For one request and its response together.
_SECONDS = 1.0
_MAX_HEAD_OCTETS = 8_192
_RETRY_SECONDS = 1.0
_END_OF_HEAD = b"\r\n\r\n"


class _Render(Protocol):
    def __call__(self, metrics: Sequence[Description], numbers: Sequence[Numbers], *, accept: str) -> tuple[str, bytes]:
        """The function `render` of page.py."""


class _Refused(Exception):
    """The request has no page as its response."""

    def __init__(self, status: HTTPStatus, fields: str = "") -> None:
        super().__init__(status.phrase)
        self.status = status
        self.fields = fields


def listening_socket(
    service: Literal["HTTP", "SMTP"], host: str, port: int | None, environ: Mapping[str, str]
) -> socket.socket | None:
    """The socket of the socket unit, else one on `port`; without both, None.

    Raises OSError as command.bind does, and SettingsError for more than one socket.
    """
    held = systemd.listeners(environ, "metrics")
    if len(held) > 1:
        raise SettingsError("LISTEN_FDS: more than one socket for metrics, and they are shown on one")
    if held:
        [listening] = held
    elif port is None:
        return None
    else:
        listening = bind(service, host, port, backlog=BACKLOG, is_for_metrics=True)
    listening.set_inheritable(False)
    return listening


def start(
    program: Literal["smtp-ingest", "http-api"],
    listening: socket.socket,
    metrics: Sequence[Description],
    read: Callable[[], Sequence[Numbers]],
) -> None:
    """Serve the numbers that `read` returns, and those of the program itself, until the process ends."""
    # Loading it takes 45 ms, which a service without metrics saves.
    render: _Render = importlib.import_module("fake_email.metrics.page").render
    host, port = listening.getsockname()[:2]
    log.info("metrics_listening", host=host, port=port)
    own = _metrics_of(program)
    shown = [*metrics, *own]

    def page(accept: str) -> tuple[str, bytes]:
        return render(shown, [*read(), *read_all(own, None)], accept=accept)

    threading.Thread(target=_serve, args=(listening, page), name="metrics", daemon=True).start()


def _metrics_of(program: Literal["smtp-ingest", "http-api"]) -> list[Metric[None]]:
    prefix, started_at, build = program.replace("-", "_"), time.time(), importlib.metadata.version(program)
    return [
        Metric(
            name=f"{prefix}_build_info",
            kind="gauge",
            text="The release that runs; always 1.",
            read=lambda _: [1.0],
            labels=("version",),
            series=((build,),),
        ),
        gauge(f"{prefix}_start_time_seconds", "When the service started, in seconds since 1970.", lambda _: started_at),
    ]


def _serve(listening: socket.socket, page: Callable[[str], tuple[str, bytes]]) -> None:
    failed, refused = OnceAMinute(), OnceAMinute()
    while True:
        try:
            connection, _ = listening.accept()
            with connection:
                status = _respond(connection, page, time.monotonic() + _SECONDS)
            if status != HTTPStatus.OK and refused.is_due(time.monotonic()):
                log.warning("scrape_refused", status=status.value)
        except OSError as error:
            if error.errno in {errno.EBADF, errno.EINVAL}:
                return  # the socket was closed or shut down
            if failed.is_due(time.monotonic()):
                log.warning("scrape_failed", error=type(error).__name__)
            if not isinstance(error, TimeoutError | ConnectionError):
                time.sleep(_RETRY_SECONDS)  # accept(2) fails at once as long as there is no file descriptor left
        except Exception:  # the edge: the next scrape may succeed
            log.exception("metrics_failed")


def _respond(connection: socket.socket, page: Callable[[str], tuple[str, bytes]], deadline: float) -> HTTPStatus:
    """Answer one request; return the status of the response."""
    try:
        method, accept = _read_request(connection, deadline)
        media_type, body = page(accept)
        status, fields = HTTPStatus.OK, ""
    except _Refused as refused:
        method, media_type, body = "", "text/plain; charset=utf-8", f"{refused}\n".encode()
        status, fields = refused.status, refused.fields
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n{fields}\r\n"
    )
    connection.settimeout(_left(deadline))
    connection.sendall(head.encode() + (b"" if method == "HEAD" else body))
    return status


def _read_request(connection: socket.socket, deadline: float) -> tuple[str, str]:
    """The method and the Accept field; raises _Refused."""
    octets = bytearray()
    while _END_OF_HEAD not in octets:
        if len(octets) > _MAX_HEAD_OCTETS:
            raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        connection.settimeout(_left(deadline))
        more = connection.recv(_MAX_HEAD_OCTETS)
        if not more:
            raise ConnectionResetError
        octets += more
    first, *lines = octets.partition(_END_OF_HEAD)[0].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004  # RFC 9112 §3
        raise _Refused(HTTPStatus.BAD_REQUEST)
    if words[0] not in {"GET", "HEAD"}:
        raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "Allow: GET, HEAD\r\n")
    if words[1].partition("?")[0] != PATH:
        raise _Refused(HTTPStatus.NOT_FOUND)
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return words[0], fields.get("accept", "")


def _left(deadline: float) -> float:
    """The seconds that are left, for one wait of the socket; raises TimeoutError at the deadline."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
