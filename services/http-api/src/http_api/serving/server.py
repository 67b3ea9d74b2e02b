"""Granian, started from code: a parent process, which owns the port, and workers, which serve the calls."""

import multiprocessing
import socket
import sys
from collections.abc import Callable
from functools import partial

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from litestar.types import ASGIApp

from fake_email import log
from fake_email.metrics import server as metrics_server
from fake_email.metrics.numbers import merged
from fake_email.settings import Settings
from fake_email.systemd import Notifier
from http_api.app import create_app
from http_api.edge import rate_limits
from http_api.edge.edge_counts import EdgeCounts
from http_api.edge.middleware import Middleware
from http_api.metrics import METRICS
from http_api.serving.granian_socket import BACKLOG, GranianSocket, SharedSocketServer
from http_api.serving.watchdog import Watchdog
from http_api.serving.worker_numbers import WorkerNumbers

# Granian counts an open stream as a request, and past a number of requests (its default: 1,024) accepts none. So many
# more requests than streams are served at once.
_BACKPRESSURE = 5_000
# At a stop Granian waits until every response is read, for which a client that reads nothing could keep it for ever.
_STOP_SECONDS = 3
# The event loop waits this long for the interpreter when it comes back from a system call while a thread works. A query
# is several system calls.
_SWITCH_SECONDS = 0.000_5
_LOGGERS: dict[str, object] = {
    "handlers": {},
    "formatters": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}, "granian.access": {"handlers": []}},
}


def serve(
    settings: Settings, http_socket: GranianSocket, notifier: Notifier, metrics_socket: socket.socket | None
) -> None:
    """Serve until SIGTERM or SIGINT; exits with status 1 when a worker dies."""
    watchdog = Watchdog(notifier, http_socket.address, settings.http_workers)
    watchdog.start_parent()
    numbers = WorkerNumbers(settings.http_workers, are_wanted=metrics_socket is not None)
    if metrics_socket is not None:
        numbers.start_parent(partial(_show_metrics, metrics_socket, numbers))
    # The workers inherit the table of rate limits. Other start methods, such as Python 3.14's default, pass nothing on.
    multiprocessing.set_start_method("fork")
    run(settings, http_socket, partial(_load, settings, http_socket, watchdog, numbers, rate_limits.new_table()))


def _show_metrics(metrics_socket: socket.socket, numbers: WorkerNumbers) -> None:
    metrics_server.start("http-api", metrics_socket, METRICS, lambda: merged(METRICS, numbers.last()))


def run(settings: Settings, http_socket: GranianSocket, load: Callable[[], ASGIApp]) -> None:
    """Serve the application that `load` makes in each worker, until SIGTERM or SIGINT."""
    server = SharedSocketServer(
        "http_api.app",
        address=http_socket.address[0],
        port=http_socket.address[1],
        interface=Interfaces.ASGI,
        workers=settings.http_workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=65_536),
        websockets=False,
        backlog=BACKLOG,
        backpressure=settings.http_max_streams + _BACKPRESSURE,
        workers_kill_timeout=_STOP_SECONDS,
        log_level=LogLevels.warning,
        log_dictconfig=_LOGGERS,
    )
    server.granian_socket = http_socket
    server.serve(target_loader=load, wrap_loader=False)


def _load(
    settings: Settings, http_socket: GranianSocket, watchdog: Watchdog, numbers: WorkerNumbers, table: int
) -> ASGIApp:
    log.configure(settings.log_level)
    sys.setswitchinterval(_SWITCH_SECONDS)
    edge = EdgeCounts()
    return Middleware(create_app(settings, http_socket, watchdog, numbers, edge), settings, table, edge)
