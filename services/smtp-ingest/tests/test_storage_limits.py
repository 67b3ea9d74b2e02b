"""The limits on stored octets: of all mail together, and of one client in a day."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, store, stored
from support.harness import Pair, Service, foreign_address, running_smtp
from support.smtp_client import Reply, SmtpClient
from support.waiting import DEADLINE_SECONDS

CONTENT = message()
STORAGE_FULL = "452 4.3.1 The storage is full, try again later"
CLIENT_FULL = "452 4.3.1 Your network has sent too much mail today, try again later"
COMMITTED = "250 2.6.0 Message stored"


@pytest.fixture(scope="module")
def foreign() -> str:
    """An address of this host other than the daemon's, which counts like the address of another host."""
    address = foreign_address()
    if address is None:
        pytest.skip("this host has no IPv4 address but the loopback's")
    return address


@pytest.fixture(scope="module")
def daily(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """A daemon that takes two messages of a client in a day."""
    limit = {"SMTP_MAX_CLIENT_OCTETS_PER_DAY": str(2 * len(CONTENT))}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("daily"), **limit) as running:
        yield running


def line(reply: Reply) -> str:
    return f"{reply.code} {reply.text}"


async def mail_until(code: int, client: SmtpClient) -> None:
    """Send MAIL until the reply has this code, with a deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (await client.command("MAIL FROM:<>")).code != code:
            await client.converse(("RSET", 250))
            await asyncio.sleep(0.01)


def limits(service: Service) -> list[object]:
    return [event["limit"] for event in service.events() if event["event"] == "limit_reached"]


async def test_a_client_past_its_octets_is_deferred_while_others_are_served(
    daily: tuple[Pair, Service], foreign: str
) -> None:
    pair, service = daily
    address = make_mailbox(pair.database_url)
    async with SmtpClient.connect(pair.smtp_port, foreign) as client, SmtpClient.connect(pair.smtp_port) as exempt:
        # A duplicate is not stored, so it counts nothing.
        replies = [line(await client.deliver(message(each), address)) for each in ("Hello", "Hello", "World")]
        await client.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 452), ("MAIL FROM:<> SIZE=1", 452))
        others = [line(await exempt.deliver(message(str(number)), address)) for number in range(3)]

    assert replies == [COMMITTED] * 3
    assert others == [COMMITTED] * 3
    assert limits(service) == ["smtp_max_client_octets_per_day"]


async def test_content_past_the_octets_of_its_client_is_deferred(pair: Pair, tmp_path: Path, foreign: str) -> None:
    limit = {"SMTP_MAX_CLIENT_OCTETS_PER_DAY": str(len(CONTENT) - 1)}
    with running_smtp(pair.database_url, tmp_path, **limit) as (daemon, _):
        address = make_mailbox(pair.database_url)
        async with SmtpClient.connect(daemon.smtp_port, foreign) as client:
            reply = line(await client.deliver(CONTENT, address))

    assert reply == CLIENT_FULL
    assert stored(pair.database_url, address) == []


async def test_mail_is_deferred_at_once_when_all_mailboxes_together_hold_too_much(
    database_url: str, tmp_path: Path
) -> None:
    address = make_mailbox(database_url)
    with running_smtp(database_url, tmp_path, MAX_STORED_OCTETS=str(2 * len(CONTENT))) as (daemon, service):
        async with SmtpClient.connect(daemon.smtp_port) as client:
            first, second = [line(await client.deliver(message(each), address)) for each in ("1", "22")]
            await client.begin(address)
            await client.send(CONTENT + b".\r\n")
            third = line(await client.reply())
            await client.converse(("MAIL FROM:<> SIZE=1000", 452))

    assert (first, second, third) == (COMMITTED, COMMITTED, STORAGE_FULL)
    assert limits(service) == ["max_stored_octets"]


async def test_mail_is_deferred_until_enough_of_what_the_database_holds_is_deleted(
    database_url: str, tmp_path: Path
) -> None:
    await store(database_url, make_mailbox(database_url), CONTENT)
    with running_smtp(database_url, tmp_path, MAX_STORED_OCTETS=str(len(CONTENT))) as (daemon, _):
        async with SmtpClient.connect(daemon.smtp_port) as client:
            await client.converse(("EHLO client.test", 250))
            await mail_until(452, client)  # the daemon has read the sum by then
            with psycopg.connect(database_url) as connection:
                connection.execute("DELETE FROM mailbox")

            await mail_until(250, client)
