"""The deadline for the body of a request."""

import asyncio

import pytest
from litestar import Litestar, post
from litestar.testing import RequestFactory
from litestar.types import HTTPReceiveMessage, Message

from http_api.edge.body_deadline import BodyDeadline
from http_api.protocol import error_handlers
from http_api.protocol.errors import BodyTooSlow
from http_api.protocol.request import AnyRequest


async def never() -> HTTPReceiveMessage:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_body_that_does_not_come_in_time_is_given_up() -> None:
    with pytest.raises(BodyTooSlow):
        await BodyDeadline(never, seconds=0)()


async def test_after_the_whole_body_there_is_no_deadline() -> None:
    async def receive() -> HTTPReceiveMessage:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": False}

    timed = BodyDeadline(receive)
    await timed()
    timed._deadline = 0  # noqa: SLF001  # as if it had passed

    assert (await timed())["type"] == "http.request"


async def test_the_call_gets_408() -> None:
    @post("/")
    async def call(request: AnyRequest) -> None:
        await request.body()

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = RequestFactory().get("/").scope  # of a POST it would have the body already
    scope["method"] = "POST"
    app = Litestar([call], exception_handlers=error_handlers.HANDLERS, logging_config=None)
    await app(scope, BodyDeadline(never, seconds=0), send)

    assert sent[0]["type"] == "http.response.start"
    assert sent[0]["status"] == 408
