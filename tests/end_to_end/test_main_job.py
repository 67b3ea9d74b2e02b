"""The main job: mail comes in over SMTP and is read over the API and the live stream."""

import httpx
import pytest
from support.content import message
from support.http_client import stream
from support.smtp_client import SmtpClient

pytestmark = pytest.mark.quick  # the end-to-end tests of `make test-quick`


async def test_a_message_that_was_acknowledged_is_polled(
    http: httpx.AsyncClient, smtp: SmtpClient, address: str
) -> None:
    reply = await smtp.deliver(message("Grüße"), address)

    polled = (await http.get("/api/inbox/poll", params={"address": address})).json()
    assert reply.code == 250
    assert [each["subject"] for each in polled["messages"]] == ["Grüße"]


async def test_a_message_reaches_a_stream_that_is_open(http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> None:
    events = stream(http, address)
    await smtp.deliver(message("first"), address)
    first = await anext(events)

    await smtp.converse(("RSET", 250))
    await smtp.deliver(message("second"), address)

    assert (await anext(events)).data["subject"] == "second"
    assert first.id == "1"
    await events.aclose()
