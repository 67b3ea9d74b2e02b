"""Threads for work that a client chooses the size of: searches, HTML to make safe, large JSON."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from http_api.live.fair_shares import FairShares, Resource
from http_api.protocol.client_address import Client

Result = TypeVar("Result")

# One client's work may take seconds, and it waits for its own work before.
WORK_SECONDS = 30.0


class WorkThreads:
    """A few threads, which serve the clients in turn, each with one piece of work at a time.

    They have the priority of the event loop: a thread that waits for the CPU may hold the interpreter meanwhile.
    """

    def __init__(self, resource: Resource, *, threads: int) -> None:
        self.shares = FairShares(resource, total=threads, client_units=1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=resource)

    async def run(self, client: Client, work: Callable[[], Result], *, seconds: float | None = WORK_SECONDS) -> Result:
        """The result of `work`; raises Overloaded when the client's turn does not come within `seconds`."""
        async with self.shares.share(client, seconds=seconds):
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
