"""The contract with the frontends of the first fake-email: their calls, and the fields and statuses they rely on."""

import httpx
from support.content import message
from support.smtp_client import SmtpClient


async def new_address(http: httpx.AsyncClient) -> str:
    response = await http.post("/api/temporary-address", json={"username": None})
    assert response.status_code == 200
    address: str = response.json()["temp_email_addr"]
    return address


async def poll(http: httpx.AsyncClient, address: str, since: str | None = None) -> dict[str, object]:
    parameters = {"address": address} | ({"since": since} if since else {})
    response = await http.get("/api/inbox/poll", params=parameters)
    assert response.status_code == 200
    body: dict[str, object] = response.json()
    return body


def subjects(polled: dict[str, object]) -> list[str]:
    messages = polled["messages"]
    assert isinstance(messages, list)
    return [each["subject"] for each in messages]


async def test_health_is_200_and_ok(http: httpx.AsyncClient) -> None:
    response = await http.get("/api/health")

    assert response.status_code == 200
    assert response.text == "OK"


async def test_the_username_null_gets_an_address(http: httpx.AsyncClient) -> None:
    address = await new_address(http)

    local_part, _, domain = address.partition("@")
    assert local_part
    assert domain == "mx.test"


async def test_a_new_mailbox_is_empty(http: httpx.AsyncClient) -> None:
    address = await new_address(http)

    polled = await poll(http, address)

    assert polled["temp_email_addr"] == address
    assert polled["new_mail_count"] == 0
    assert polled["messages"] == []


async def test_a_poll_of_an_unknown_address_is_404_with_a_sentence(http: httpx.AsyncClient) -> None:
    response = await http.get("/api/inbox/poll", params={"address": "missing@nowhere.test"})

    assert response.status_code == 404
    assert response.json()["error"] == (
        "No mailbox with this address can be read: it never existed, has expired, or is private and the token is "
        "missing or wrong."
    )


async def test_a_message_has_the_fields_that_frontends_show(http: httpx.AsyncClient, smtp: SmtpClient) -> None:
    address = await new_address(http)
    await smtp.deliver(message("Hello", "Your code is 123456."), address)

    polled = await poll(http, address)

    messages = polled["messages"]
    assert isinstance(messages, list)
    [shown] = messages
    assert polled["new_mail_count"] == 1
    assert shown["from_addr"] == "writer@client.test"
    assert shown["to_addr"] == address
    assert shown["subject"] == "Hello"
    assert shown["body_text"] == "Your code is 123456."
    assert {"id", "received_at"} <= shown.keys()


async def test_a_poll_from_next_since_returns_only_newer_messages(http: httpx.AsyncClient, smtp: SmtpClient) -> None:
    address = await new_address(http)
    await smtp.deliver(message("first"), address)
    first = await poll(http, address)
    nothing = await poll(http, address, str(first["next_since"]))
    await smtp.deliver(message("second"), address)
    await smtp.deliver(message("third"), address)

    second = await poll(http, address, str(nothing["next_since"]))

    assert subjects(first) == ["first"]
    assert (nothing["new_mail_count"], nothing["messages"]) == (0, [])
    assert (second["new_mail_count"], subjects(second)) == (2, ["second", "third"])
