"""Reports to the service manager that http-api is ready and alive: each worker reports to its parent process.

The parent reports to the manager after every worker has reported, so a worker that hangs is noticed.
"""

import asyncio
import os
import socket
import struct
import threading
from collections.abc import Sized
from contextlib import suppress

from fake_email.systemd import Notifier

_STATUS_SECONDS = 5.0
_REPORT = struct.Struct("=iI")  # the pid of the worker, and its number of open streams


class Watchdog:
    """Made before the workers, which inherit it; `address` is where they accept connections."""

    def __init__(self, notifier: Notifier, address: tuple[str, int], workers: int) -> None:
        self._notifier = notifier
        self._address = address
        self._workers = workers
        # Twice as often as the notifier says, whose period is half of the manager's time-out.
        self._seconds = notifier.watchdog_seconds / 2 or _STATUS_SECONDS
        self._parents_end, self._workers_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._workers_end.setblocking(False)

    def start_parent(self) -> None:
        """Start to pass the reports of the workers on; without a service manager, do nothing."""
        if self._notifier.is_heard:
            # A daemon thread, since a worker that ends without a word leaves it waiting.
            threading.Thread(target=self._pass_on, name="heartbeat", daemon=True).start()

    def _pass_on(self) -> None:
        self._notifier.alive(self._status())
        self._notifier.ready()
        while True:
            self._notifier.alive(self._status())

    def _status(self) -> str:
        """The number of open streams, once every worker has reported its own."""
        streams: dict[int, int] = {}
        while len(streams) < self._workers:
            pid, count = _REPORT.unpack(self._parents_end.recv(_REPORT.size))
            streams[pid] = count
        return f"{sum(streams.values())} streams"

    async def run_worker(self, streams: Sized) -> None:
        """Report to the parent until cancelled; runs in the event loop, so a worker whose loop hangs is silent."""
        if not self._notifier.is_heard:
            return
        await self._until_reachable()
        while True:
            with suppress(BlockingIOError):  # the parent has reports to read already
                self._workers_end.send(_REPORT.pack(os.getpid(), len(streams)))
            await asyncio.sleep(self._seconds)

    async def _until_reachable(self) -> None:
        """Return when a request is answered; the port is open earlier than Granian accepts."""
        reader, writer = await asyncio.open_connection(*self._address)
        writer.write(b"GET /api/health?live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.read()
        writer.close()
