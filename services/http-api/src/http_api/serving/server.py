"""Granian, started from code: the process that owns the port, and the workers that answer."""

import multiprocessing
from collections.abc import Callable
from functools import partial

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from litestar.types import ASGIApp

from fake_email import log
from fake_email.settings import Settings
from fake_email.systemd import Notifier
from http_api.app import create_app
from http_api.edge import rate_limits
from http_api.edge.middleware import Middleware
from http_api.serving.granian_socket import BACKLOG, CuttingServer, GranianSocket
from http_api.serving.watchdog import Watchdog

# Granian counts an open stream as a request under way, and answers nobody once so many are (its default: 1,024); this
# many more than there may be streams.
_BACKPRESSURE = 5_000
# Granian waits for every answer to be read; who reads none of it would hold up the stop for good.
_STOP_SECONDS = 3
_LOGGERS: dict[str, object] = {
    "handlers": {},
    "formatters": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}, "granian.access": {"handlers": []}},
}


def serve(settings: Settings, listener: GranianSocket, notifier: Notifier) -> None:
    """Serve until SIGTERM or SIGINT; exits with status 1 when a worker dies."""
    watchdog = Watchdog(notifier, listener.address, settings.http_workers)
    watchdog.pass_on()
    # The workers inherit the table; other ways to start them, Python 3.14's own among those, would hand over nothing.
    multiprocessing.set_start_method("fork")
    run(settings, listener, partial(_load, settings, listener, watchdog, rate_limits.new_table()))


def run(settings: Settings, listener: GranianSocket, load: Callable[[], ASGIApp]) -> None:
    """Serve what `load` makes in each worker, until SIGTERM or SIGINT."""
    server = CuttingServer(
        "http_api.app",
        address=listener.address[0],
        port=listener.address[1],
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
    server.listener = listener
    server.serve(target_loader=load, wrap_loader=False)


def _load(settings: Settings, listener: GranianSocket, watchdog: Watchdog, table: int) -> ASGIApp:
    log.configure(settings.log_level)
    return Middleware(create_app(settings, listener, watchdog), settings, table)
