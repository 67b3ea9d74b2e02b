"""The calls as frontends of the first fake-email make them; fields, statuses and the plain OK are their contract."""

import httpx
from support.harness import SmtpClient, message


async def new_address(http: httpx.AsyncClient) -> str:
    answer = await http.post("/api/temporary-address", json={"username": None})
    assert answer.status_code == 200
    made: str = answer.json()["temp_email_addr"]
    return made


async def poll(http: httpx.AsyncClient, address: str, since: str | None = None) -> dict[str, object]:
    parameters = {"address": address} | ({"since": since} if since else {})
    answer = await http.get("/api/inbox/poll", params=parameters)
    assert answer.status_code == 200
    body: dict[str, object] = answer.json()
    return body


def subjects(polled: dict[str, object]) -> list[str]:
    messages = polled["messages"]
    assert isinstance(messages, list)
    return [each["subject"] for each in messages]


async def test_health_is_200_and_ok(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/health")

    assert answer.status_code == 200
    assert answer.text == "OK"


async def test_an_address_is_had_for_the_username_null(http: httpx.AsyncClient) -> None:
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
    answer = await http.get("/api/inbox/poll", params={"address": "missing@nowhere.test"})

    assert answer.status_code == 404
    assert answer.json()["error"] == "No mailbox has this address: it never existed or has expired."


async def test_a_message_has_the_fields_that_are_shown(http: httpx.AsyncClient, smtp: SmtpClient) -> None:
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


async def test_with_the_last_next_since_only_what_is_newer_comes(http: httpx.AsyncClient, smtp: SmtpClient) -> None:
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
