"""The event loop's turns, shared out: whoever has much to do does one piece of it in each."""

import asyncio


class ReadTurns:
    """A row in which all who have much to do stand; between two of their turns everybody else has one."""

    def __init__(self) -> None:
        self._row = asyncio.Lock()

    async def take(self) -> None:
        """Return when it is the caller's turn to do one more piece."""
        async with self._row:
            await asyncio.sleep(0)
