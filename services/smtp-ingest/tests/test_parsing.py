"""Parsing content in threads beside the event loop."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from support.content import message
from support.waiting import DEADLINE_SECONDS

from fake_email.storage.store import Trace
from smtp_ingest.parsing import ParserThreads, make_incoming


@pytest.fixture
def threads() -> Iterator[ParserThreads]:
    with ExitStack() as ends:
        short, long = (ends.enter_context(ThreadPoolExecutor(max_workers=1)) for _ in range(2))
        yield ParserThreads(short=short, long=long)


async def test_content_of_common_length_does_not_wait_for_long_content(threads: ParserThreads) -> None:
    trace = Trace(client_address="192.0.2.1", host_name="client.test", protocol="ESMTP", tls="")
    release = threading.Event()
    threads.long.submit(release.wait)

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
        long, short = (
            tasks.create_task(
                make_incoming(
                    threads, reverse_path="", deliveries=(), trace=trace, content=message(body="x\r\n" * lines)
                )
            )
            for lines in (200_000, 20_000)
        )
        incoming = await short
        is_long_done = long.done()
        release.set()

    assert (incoming.octets, is_long_done) == (len(message(body="x\r\n" * 20_000)), False)
