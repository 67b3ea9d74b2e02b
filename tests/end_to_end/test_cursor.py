"""Cursors: every reader of a mailbox gets every message once and in the same order, by poll and by stream."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
from support.content import message
from support.harness import Pair, running_pair
from support.http_client import stream
from support.smtp_client import SmtpClient

WRITERS = 12
MESSAGES_A_WRITER = 25
TOTAL = WRITERS * MESSAGES_A_WRITER


@pytest.fixture
def ports(database_url: str, tmp_path: Path) -> Iterator[tuple[Pair, list[int]]]:
    """A pair with a second smtp-ingest beside the first, and the ports of both."""
    with running_pair(database_url, tmp_path, HTTP_WORKERS="2") as pair:
        first = pair.smtp_port
        pair.start_smtp()
        yield pair, [first, pair.smtp_port]


@pytest.fixture
async def clients(ports: tuple[Pair, list[int]]) -> AsyncIterator[httpx.AsyncClient]:
    pair, _ = ports
    async with httpx.AsyncClient(base_url=pair.http_url, timeout=30, verify=False) as client:
        yield client


async def write(port: int, address: str, writer: int) -> None:
    async with SmtpClient.connect(port) as session:
        for number in range(MESSAGES_A_WRITER):
            reply = await session.deliver(message(f"{writer}-{number}"), address)
            assert reply.code == 250


async def poll(http: httpx.AsyncClient, address: str, *, by_seq: bool) -> list[str]:
    """Return the subjects that a poller gets which goes on from the cursor of each response."""
    subjects: list[str] = []
    cursor: dict[str, str] = {}
    while len(subjects) < TOTAL:
        response = await http.get("/api/inbox/poll", params={"address": address, "wait": "20", "limit": "7", **cursor})
        page = response.json()
        assert page["new_mail_count"] > 0
        subjects += [each["subject"] for each in page["messages"]]
        cursor = {"since": str(page["messages"][-1]["seq"]) if by_seq else page["next_since"]}
    return subjects


async def follow(http: httpx.AsyncClient, address: str, *, events_a_connection: int) -> list[str]:
    """Return the subjects that a stream reader gets which reconnects with Last-Event-ID after so many events."""
    subjects: list[str] = []
    last_event_id = "0"
    while len(subjects) < TOTAL:
        async with aclosing(stream(http, address, last_event_id=last_event_id)) as events:
            for _ in range(events_a_connection):
                event = await anext(events)
                subjects.append(str(event.data["subject"]))
                last_event_id = event.id
                if len(subjects) == TOTAL:
                    break
    return subjects


async def test_every_reader_gets_every_message_once_and_in_the_same_order(
    ports: tuple[Pair, list[int]], clients: httpx.AsyncClient
) -> None:
    _, smtp_ports = ports
    address = (await clients.post("/api/temporary-address")).json()["temp_email_addr"]

    async with asyncio.timeout(50), asyncio.TaskGroup() as tasks:
        readers = [
            tasks.create_task(poll(clients, address, by_seq=True)),
            tasks.create_task(poll(clients, address, by_seq=False)),
            tasks.create_task(follow(clients, address, events_a_connection=TOTAL)),
            tasks.create_task(follow(clients, address, events_a_connection=3)),
            tasks.create_task(follow(clients, address, events_a_connection=40)),
        ]
        for writer in range(WRITERS):
            tasks.create_task(write(smtp_ports[writer % 2], address, writer))

    read = [reader.result() for reader in readers]
    sent = [f"{writer}-{number}" for writer in range(WRITERS) for number in range(MESSAGES_A_WRITER)]
    assert sorted(read[0]) == sorted(sent)
    assert all(each == read[0] for each in read)
