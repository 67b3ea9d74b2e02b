"""Threads for searches with a pattern or in a long text, which are a client's choice and may take long."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

Result = TypeVar("Result")

_THREADS = 4
_NICE = 10


class SearchThreads:
    """A few threads of low priority, which serve one search of each client at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="search", initializer=_lower_priority)
        self._turns: dict[int, tuple[asyncio.Lock, int]] = {}

    async def run(self, network: int, search: Callable[[], Result]) -> Result:
        """The result of `search`, which starts after all earlier searches of the same client have ended."""
        with self._turn(network) as turn:
            async with turn:
                return await asyncio.get_running_loop().run_in_executor(self._threads, search)

    def stop(self) -> None:
        """Start no further search."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _turn(self, network: int) -> Iterator[asyncio.Lock]:
        """The lock for which a client's searches queue; it exists for as long as one of them does."""
        turn, searches = self._turns.get(network, (asyncio.Lock(), 0))
        self._turns[network] = turn, searches + 1
        try:
            yield turn
        finally:
            _, searches = self._turns.pop(network)
            if searches > 1:
                self._turns[network] = turn, searches - 1


def _lower_priority() -> None:
    # On Linux a thread has a priority of its own: setpriority(2), "C library/kernel differences".
    with suppress(PermissionError):  # where the systemd unit forbids the system call, all threads have the same
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
