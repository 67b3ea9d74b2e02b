"""The numbers of the metrics, on their way from the worker processes to their parent, which shows them all as one.

Each worker sends its numbers every second. The parent keeps the last ones of each worker, so a worker that hangs makes
no counter smaller.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import msgspec

from fake_email.metrics.numbers import Numbers

_SECONDS = 1.0
_MAX_OCTETS = 65_536


class _Report(msgspec.Struct, array_like=True):
    pid: int
    numbers: list[Numbers]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Report)


class WorkerNumbers:
    """Made before the workers, which inherit it."""

    def __init__(self, workers: int, *, are_wanted: bool) -> None:
        self._workers = workers
        self.are_wanted = are_wanted
        self._last: dict[int, list[Numbers]] = {}
        self._parents_end, self._workers_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._workers_end.setblocking(False)

    def start_parent(self, when_complete: Callable[[], None]) -> None:
        """Receive the numbers of the workers, on a thread; call `when_complete` after the first of each worker.

        Then every worker has been forked: a fork while another thread holds a lock would keep it locked in the worker.
        """
        threading.Thread(target=self._receive, args=(when_complete,), name="worker-numbers", daemon=True).start()

    def _receive(self, when_complete: Callable[[], None]) -> None:
        is_complete = False
        while True:
            report = _DECODER.decode(self._parents_end.recv(_MAX_OCTETS))
            self._last[report.pid] = report.numbers
            if not is_complete and len(self._last) == self._workers:
                is_complete = True
                when_complete()

    def last(self) -> list[list[Numbers]]:
        """The last numbers of each worker."""
        return [*self._last.values()]

    async def run_worker(self, read: Callable[[], list[Numbers]]) -> None:
        """Send the numbers of this worker until cancelled; return at once when nobody wants them."""
        while self.are_wanted:
            with suppress(BlockingIOError):  # the parent has numbers to read already
                self._workers_end.send(_ENCODER.encode(_Report(os.getpid(), read())))
            await asyncio.sleep(_SECONDS)
