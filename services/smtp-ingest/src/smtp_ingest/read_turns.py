"""Turns for the readers of large messages, so that many large messages do not delay all other clients."""

import asyncio


class ReadTurns:
    """A fair queue: one reader of a large message goes on in each iteration of the event loop."""

    def __init__(self) -> None:
        self._queue = asyncio.Lock()

    async def wait(self) -> None:
        """Return when it is the caller's turn to read one more piece."""
        async with self._queue:
            await asyncio.sleep(0)
