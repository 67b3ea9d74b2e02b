"""The work of a waiting call, cancelled when the client disconnects before there is a response."""

import asyncio
from collections.abc import Coroutine
from typing import Protocol, TypeVar

from litestar.types import Receive

from fake_email.errors import ServiceError
from http_api.protocol.errors import ClientDisconnected

Result = TypeVar("Result")


class Received(Protocol):
    """A request, or what else tells that its client has disconnected."""

    @property
    def receive(self) -> Receive: ...


async def until_disconnect(request: Received, work: Coroutine[None, None, Result]) -> Result:
    """The result of `work`, or its error; cancels it and raises ClientDisconnected if the client disconnects."""
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(_outcome(work))
        disconnecting = tasks.create_task(_disconnected(request))
        await asyncio.wait((working, disconnecting), return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        disconnecting.cancel()
    if working.cancelled():
        raise ClientDisconnected
    outcome = working.result()
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome


async def _outcome(work: Coroutine[None, None, Result]) -> Result | ServiceError:
    """The result or the error, returned: a task group would wrap an error that is raised."""
    try:
        return await work
    except ServiceError as error:
        return error


async def _disconnected(request: Received) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
