"""Reads for streams: whose turn it is, and which turn reads for several clients."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair
from support.inside import streams_of

from fake_email.storage.message_list import Cursor
from http_api.live.share import Share
from http_api.live.streams import Streams
from http_api.protocol.client_address import Client


def client(number: int) -> Client:
    return Client(address=f"192.0.2.{number}", network=number, is_trusted=False)


ANN, BOB, CAT, DAN = map(client, range(1, 5))


@pytest.fixture
async def address(pair: Pair) -> str:
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, *(message(str(number)) for number in range(4)))
    return address


@pytest.fixture
async def streams(pair: Pair) -> AsyncIterator[Streams]:
    async with streams_of(pair) as streams:
        yield streams


class Readings:
    """Pages that clients ask for after a seq while all connections are taken, and the order in which they come."""

    def __init__(self, streams: Streams, address: str) -> None:
        self._connections = streams.shares.stream_connections
        self._reads = streams.shared_reads
        self._address = address
        self._tasks: list[asyncio.Task[None]] = []
        self._taken: list[Share] = []
        self.ended: list[tuple[Client, int]] = []
        while share := self._connections.take_now(CAT) or self._connections.take_now(DAN):
            self._taken.append(share)

    async def ask(self, client: Client, since: int) -> None:
        async def read() -> None:
            await self._reads.page(client, Cursor(seq=since), address=self._address, token_sha256=None, after=0)
            self.ended.append((client, since))

        self._tasks.append(asyncio.create_task(read()))
        # The read asks, then its turn, which stands in the queue after that.
        for _ in range(3):
            await asyncio.sleep(0)

    async def read_one_by_one(self) -> None:
        self._taken.pop().release()
        await asyncio.gather(*self._tasks)


async def test_a_client_with_many_reads_waits_for_those_of_other_clients(streams: Streams, address: str) -> None:
    readings = Readings(streams, address)
    for since in (0, 1, 2):
        await readings.ask(ANN, since)
    await readings.ask(BOB, 3)

    await readings.read_one_by_one()

    assert readings.ended == [(ANN, 0), (BOB, 3), (ANN, 1), (ANN, 2)]


async def test_a_read_that_two_clients_wait_for_comes_in_the_first_turn_of_either(
    streams: Streams, address: str
) -> None:
    readings = Readings(streams, address)
    for since in (0, 1, 2):
        await readings.ask(ANN, since)
    await readings.ask(BOB, 2)

    await readings.read_one_by_one()

    assert readings.ended == [(ANN, 0), (ANN, 2), (BOB, 2), (ANN, 1)]
    assert streams.shared_reads.begun == 3
