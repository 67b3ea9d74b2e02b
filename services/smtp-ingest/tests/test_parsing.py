"""Content parsed beside the event loop."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from support.harness import DEADLINE_SECONDS, message

from fake_email.storage.store import Trace
from smtp_ingest.parsing import Parsers, make_incoming


@pytest.fixture
def parsers() -> Iterator[Parsers]:
    with ExitStack() as ends:
        short, long = (ends.enter_context(ThreadPoolExecutor(max_workers=1)) for _ in range(2))
        yield Parsers(short=short, long=long)


async def test_content_of_common_length_does_not_wait_for_what_is_long(parsers: Parsers) -> None:
    trace = Trace(client_address="192.0.2.1", host_name="client.test", protocol="ESMTP", tls="")
    is_over = threading.Event()
    parsers.long.submit(is_over.wait)

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
        long, short = (
            tasks.create_task(
                make_incoming(
                    parsers, reverse_path="", deliveries=(), trace=trace, content=message(body="x\r\n" * lines)
                )
            )
            for lines in (200_000, 20_000)
        )
        arrival = await short
        is_long_done = long.done()
        is_over.set()

    assert (arrival.octets, is_long_done) == (len(message(body="x\r\n" * 20_000)), False)
