"""http-api whose event loop is clocked: `GET /held` tells its longest hold since the last such call, as JSON."""

import asyncio
import gc
import os
import sys
import time

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from fake_email import log
from fake_email.settings import Settings, load
from fake_email.systemd import Notifier
from http_api.app import create_app
from http_api.edge import rate_limits
from http_api.edge.edge_counts import EdgeCounts
from http_api.edge.middleware import Middleware
from http_api.serving import server
from http_api.serving.granian_socket import GranianSocket
from http_api.serving.watchdog import Watchdog
from http_api.serving.worker_numbers import WorkerNumbers

_BEAT_SECONDS = 0.001
_SWITCH_SECONDS = 0.000_5


class Held(msgspec.Struct, kw_only=True):
    """The longest time for which one iteration of the event loop went on: of its own CPU, and by the clock."""

    cpu_seconds: float = 0.0
    seconds: float = 0.0


class Clocked:
    """`application` in an event loop that is clocked."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self._held = Held()
        self._beating: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"] != "/held":
            await self._application(scope, receive, send)
            return
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())
        body = msgspec.json.encode(self._held)
        self._held = Held()
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _beat(self) -> None:
        while True:
            cpu_seconds, seconds = time.thread_time(), time.monotonic()
            await asyncio.sleep(_BEAT_SECONDS)
            self._held.cpu_seconds = max(self._held.cpu_seconds, time.thread_time() - cpu_seconds)
            self._held.seconds = max(self._held.seconds, time.monotonic() - seconds - _BEAT_SECONDS)


def main() -> None:
    """Serve until killed."""
    settings = load(os.environ, Settings)
    log.configure("warning")
    listener = GranianSocket(settings, os.environ)
    watchdog = Watchdog(Notifier({}), listener.address, settings.http_workers)
    numbers, edge = WorkerNumbers(settings.http_workers, are_wanted=False), EdgeCounts()
    table = rate_limits.new_table()
    gc.freeze()  # as the command does

    def load_application() -> ASGIApp:
        sys.setswitchinterval(_SWITCH_SECONDS)
        return Clocked(Middleware(create_app(settings, listener, watchdog, numbers, edge), settings, table, edge))

    server.run(settings, listener, load_application)


if __name__ == "__main__":
    main()
