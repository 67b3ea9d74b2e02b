"""GET /api/messages/{id}/source: a message as received."""

import email
import email.policy
import uuid

import httpx
import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, store, stored
from support.harness import Pair
from support.http_client import problem
from support.smtp_client import SmtpClient


async def newest(http: httpx.AsyncClient, address: str, **headers: str) -> str:
    """The id of the newest message in a mailbox."""
    polled = await http.get("/api/inbox/poll", params={"address": address}, headers=headers)
    found: str = polled.json()["messages"][-1]["id"]
    return found


async def test_the_source_is_the_sent_content_after_the_trace_fields(
    pair: Pair, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    address = make_mailbox(pair.database_url)
    content = message(body="bare LF\n, NUL \0, \xff") + b"\xff.\r\n"
    await smtp.deliver(content, address)

    answer = await http.get(f"/api/messages/{await newest(http, address)}/source")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "message/rfc822")
    assert answer.content.endswith(content)
    trace = answer.content.removesuffix(content)
    assert trace.startswith(
        b"Return-Path: <writer@client.test>\r\nReceived: from client.test ([127.0.0.1])\r\n\tby mx.test with ESMTP"
    )
    assert trace.endswith(b"\r\n")


async def test_trace_fields_and_header_form_one_section(pair: Pair, http: httpx.AsyncClient, smtp: SmtpClient) -> None:
    address = make_mailbox(pair.database_url)
    await smtp.deliver(message("Hello"), address, reverse_path="")

    answer = await http.get(f"/api/messages/{await newest(http, address)}/source")

    read = email.message_from_bytes(answer.content, policy=email.policy.default)
    assert read.keys() == ["Return-Path", "Received", "From", "To", "Subject"]
    assert read["Return-Path"] == "<>"
    assert f"for <{address}>" in read["Received"]


@pytest.mark.parametrize("octets", [524_288, 524_289, 3_000_000])
async def test_a_large_message_is_complete(pair: Pair, http: httpx.AsyncClient, octets: int) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, (b"0123456789abcdef\r\n" * 200_000)[:octets])

    answer = await http.get(f"/api/messages/{await newest(http, address)}/source")

    [content] = stored(pair.database_url, address)
    assert answer.content.endswith(content)
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_the_source_is_not_cached_and_its_type_is_not_guessed(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message())

    answer = await http.get(f"/api/messages/{await newest(http, address)}/source")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("message_id", [str(uuid.UUID(int=7)), "7", "x" * 100, "%00"])
async def test_an_unknown_message_is_not_found(http: httpx.AsyncClient, message_id: str) -> None:
    answer = await http.get(f"/api/messages/{message_id}/source")

    assert (answer.status_code, problem(answer)["code"]) == (404, "message_not_found")


async def test_a_message_of_an_expired_mailbox_is_not_found(pair: Pair, http: httpx.AsyncClient) -> None:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, message())
    message_id = await newest(http, address)
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("UPDATE mailbox SET expires_at = now() WHERE address = %s", [address])

    answer = await http.get(f"/api/messages/{message_id}/source")

    assert (answer.status_code, problem(answer)["code"]) == (404, "message_not_found")


async def test_a_message_of_a_private_mailbox_needs_its_token(
    pair: Pair, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    made = (await http.post("/api/temporary-address", json={"private": True})).json()
    token = {"Authorization": f"Bearer {made['token']}"}
    await smtp.deliver(message(), made["temp_email_addr"])
    path = f"/api/messages/{await newest(http, made['temp_email_addr'], **token)}/source"

    answers = [await http.get(path, headers=each) for each in ({}, {"Authorization": "Bearer wrong"}, token)]

    assert [answer.status_code for answer in answers] == [404, 404, 200]
    assert answers[0].content == answers[1].content
