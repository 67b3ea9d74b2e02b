"""Fair turns: a few callers work at a time, and the clients that wait for a turn get turns one after the other."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class FairTurns:
    """So many turns at a time; a client with much work waits for the clients with little work, never they for it.

    The wait of a client for its first turn is bounded by one turn of each other client.
    """

    def __init__(self, at_a_time: int = 1) -> None:
        self._free = at_a_time
        # The callers that wait, by client; the client that had a turn last comes last.
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, client: Hashable) -> AsyncIterator[None]:
        """Wait for a turn of `client`, a network number for example, and have it until the block ends."""
        if self._free and not self._waiting:
            self._free -= 1
        else:
            await self._wait(client)
        try:
            yield
        finally:
            if client in self._waiting:
                self._waiting.move_to_end(client)
            self._pass_on()

    async def _wait(self, client: Hashable) -> None:
        granted = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(granted)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give a turn that has ended to the first client that waits."""
        while self._waiting:
            client, callers = next(iter(self._waiting.items()))
            granted = callers.popleft()
            if callers:
                self._waiting.move_to_end(client)
            else:
                del self._waiting[client]
            if not granted.done():
                granted.set_result(None)
                return
        self._free += 1
