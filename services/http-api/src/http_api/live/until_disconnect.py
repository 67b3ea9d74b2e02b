"""A call that is held until there is something to say: when its client leaves, so does everything that waits for it."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from fake_email.errors import ServiceError
from http_api.protocol.problems import AnyRequest, ClientLeft

Result = TypeVar("Result")


async def until_disconnect(request: AnyRequest, work: Coroutine[None, None, Result]) -> Result:
    """What `work` returns or raises; raises ClientLeft, having cancelled it, when the client goes away before."""
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(_outcome(work))
        leaving = tasks.create_task(_left(request))
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        leaving.cancel()
    if working.cancelled():
        raise ClientLeft
    outcome = working.result()
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome


async def _outcome(work: Coroutine[None, None, Result]) -> Result | ServiceError:
    """A task group would wrap what is raised in it."""
    try:
        return await work
    except ServiceError as error:
        return error


async def _left(request: AnyRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
