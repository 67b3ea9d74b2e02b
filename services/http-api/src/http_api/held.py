"""A call that is held until there is something to say: when its client leaves, so does everything that waits for it."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TypeVar

from http_api.problems import AnyRequest, ClientLeft

Result = TypeVar("Result")


async def while_there(request: AnyRequest, work: Coroutine[None, None, Result]) -> Result:
    """What `work` returns; raises ClientLeft, having cancelled it, when the client goes away before."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeft(str(ClientLeft.__doc__))
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        with suppress(asyncio.CancelledError, ClientLeft):
            await working if not working.done() else None


async def _left(request: AnyRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
