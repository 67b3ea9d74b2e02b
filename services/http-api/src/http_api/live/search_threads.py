"""Where a search that a client made up runs: beside the event loop, and behind that client's own searches only."""

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
    """Threads that give way to the event loop; each client has one of them at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="search", initializer=_give_way)
        self._turns: dict[int, tuple[asyncio.Lock, int]] = {}

    async def run(self, network: int, search: Callable[[], Result]) -> Result:
        """What `search` returns, once those that this client asked for before are over."""
        with self._turn(network) as turn:
            async with turn:
                return await asyncio.get_running_loop().run_in_executor(self._threads, search)

    def end(self) -> None:
        """Begin none any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _turn(self, network: int) -> Iterator[asyncio.Lock]:
        turn, waiting = self._turns.get(network, (asyncio.Lock(), 0))
        self._turns[network] = turn, waiting + 1
        try:
            yield turn
        finally:
            _, waiting = self._turns.pop(network)
            if waiting > 1:
                self._turns[network] = turn, waiting - 1


def _give_way() -> None:
    # On Linux a thread has a priority of its own: setpriority(2), "C library/kernel differences".
    with suppress(PermissionError):  # the unit's filter of system calls forbids it; then all threads are alike
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
