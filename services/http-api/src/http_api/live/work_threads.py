"""Threads for work that a client chooses the size of: searches, HTML to make safe, large JSON."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from http_api.live.fair_shares import FairShares, Resource
from http_api.protocol.client_address import Client

Result = TypeVar("Result")

# One client's work may take seconds, and it waits for its own work before.
WORK_SECONDS = 30.0
_NICE = 10


class WorkThreads:
    """A few threads of low priority, which serve the clients in turn, each with one piece of work at a time."""

    def __init__(self, resource: Resource, *, threads: int) -> None:
        self._shares = FairShares(resource, total=threads, client_units=1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=resource, initializer=_lower_priority)

    async def run(self, client: Client, work: Callable[[], Result], *, seconds: float | None = WORK_SECONDS) -> Result:
        """The result of `work`; raises Overloaded when the client's turn does not come within `seconds`."""
        async with self._shares.share(client, seconds=seconds):
            running = asyncio.get_running_loop().run_in_executor(self._threads, work)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                # A thread cannot be stopped: its share is free when it is.
                await _settled(running)
                raise

    def stop(self) -> None:
        """Start no further work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _settled(running: "asyncio.Future[Result]") -> None:
    with suppress(Exception):
        await asyncio.wait([running])


def _lower_priority() -> None:
    # On Linux a thread has a priority of its own: setpriority(2), "C library/kernel differences".
    with suppress(PermissionError):  # where the systemd unit forbids the system call, all threads have the same
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
