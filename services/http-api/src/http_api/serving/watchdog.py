"""How the service manager hears that http-api is ready and alive: each worker tells the process that started it.

That one passes it on when it has heard all of them, so that a worker which hangs is noticed beside one that does not.
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
_BEAT = struct.Struct("=iI")  # the worker's pid, the streams it has open


class Watchdog:
    """Made before the workers are, which are given it; `address` is where they listen."""

    def __init__(self, notifier: Notifier, address: tuple[str, int], workers: int) -> None:
        self._notifier = notifier
        self._address = address
        self._workers = workers
        # Twice in the time that the manager gives, half of which the notifier says.
        self._seconds = notifier.watchdog_seconds / 2 or _STATUS_SECONDS
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._theirs.setblocking(False)

    def pass_on(self) -> None:
        """Begin to, in the process that starts the workers; without a manager there is nothing to do."""
        if self._notifier.is_heard:
            # A daemon, since it waits for workers that end without a word.
            threading.Thread(target=self._pass_on, name="heartbeat", daemon=True).start()

    def _pass_on(self) -> None:
        self._notifier.alive(self._hear_all())
        self._notifier.ready()
        while True:
            self._notifier.alive(self._hear_all())

    def _hear_all(self) -> str:
        """How many streams are open, once every worker has told it."""
        streams: dict[int, int] = {}
        while len(streams) < self._workers:
            pid, count = _BEAT.unpack(self._ours.recv(_BEAT.size))
            streams[pid] = count
        return f"{sum(streams.values())} streams"

    async def tell(self, streams: Sized) -> None:
        """In a worker, from its event loop, so that one which is stuck says nothing; until cancelled."""
        if not self._notifier.is_heard:
            return
        await self._can_be_reached()
        while True:
            with suppress(BlockingIOError):  # the other end has much to read already
                self._theirs.send(_BEAT.pack(os.getpid(), len(streams)))
            await asyncio.sleep(self._seconds)

    async def _can_be_reached(self) -> None:
        """Return when requests are answered: the port is open before, and Granian accepts a moment after the start."""
        reader, writer = await asyncio.open_connection(*self._address)
        writer.write(b"GET /api/domains HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.read()
        writer.close()
