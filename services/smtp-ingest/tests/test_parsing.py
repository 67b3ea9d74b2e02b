"""Parsing content in threads beside the event loop."""

import asyncio
import functools
import importlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pkgutil import iter_modules

import pytest
from support.content import message
from support.harness import DOMAINS
from support.waiting import DEADLINE_SECONDS, until

from fake_email import findings, parse
from fake_email.settings import Settings
from fake_email.storage.incoming_message import Trace
from fake_email.systemd import Notifier
from smtp_ingest import daemon, parsing
from smtp_ingest.parsing import EXAMPLE, ParserThreads, make_incoming


@pytest.fixture
def threads() -> Iterator[ParserThreads]:
    with ExitStack() as ends:
        short, long = (ends.enter_context(ThreadPoolExecutor(max_workers=1)) for _ in range(2))
        yield ParserThreads(short=short, long=long)


def trace(client_address: str) -> Trace:
    return Trace(client_address=client_address, host_name="client.test", protocol="ESMTP", tls="")


def uncompiled() -> list[str]:
    """The names of the searches for codes and links that no parsing has compiled yet."""
    searches = [each for each in _caches() if each.cache_info().maxsize is None]  # functools.cache
    return [each.__qualname__ for each in searches if not each.cache_info().currsize]


def forget_compiled() -> None:
    for each in _caches():
        each.cache_clear()


def _caches() -> list["functools._lru_cache_wrapper[object]"]:
    modules = [importlib.import_module(f"{findings.__name__}.{each.name}") for each in iter_modules(findings.__path__)]
    return [value for module in modules for value in vars(module).values() if hasattr(value, "cache_info")]


def test_the_first_parsing_compiles_every_search() -> None:
    forget_compiled()

    parse.parse(EXAMPLE)

    # The triples are made quickly, and for text in capitals alone.
    assert uncompiled() == ["_triples"]


async def test_the_daemon_compiles_the_searches_before_the_first_mail(
    common_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "PREPARE_SECONDS", 0)
    forget_compiled()
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = Settings(database_url=common_database_url, domain=DOMAINS)
        sockets = daemon.Sockets(smtp=[listening], metrics=None)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(daemon.serve(settings, None, sockets, Notifier({}), stop))

            await until(lambda: uncompiled() == ["_triples"])

            stop.set()


async def test_content_of_common_length_does_not_wait_for_long_content(threads: ParserThreads) -> None:
    release = threading.Event()
    threads.long.submit(release.wait)

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
        long, short = (
            tasks.create_task(
                make_incoming(
                    threads,
                    reverse_path="",
                    deliveries=(),
                    trace=trace("192.0.2.1"),
                    content=message(body="x\r\n" * lines),
                )
            )
            for lines in (200_000, 20_000)
        )
        incoming = await short
        is_long_done = long.done()
        release.set()

    assert (incoming.octets, is_long_done) == (len(message(body="x\r\n" * 20_000)), False)


@pytest.mark.parametrize("lines", [20_000, 200_000])
async def test_many_long_messages_of_a_client_delay_another_client_by_one_of_them(
    threads: ParserThreads, lines: int
) -> None:
    release = threading.Event()
    (threads.long if lines > 100_000 else threads.short).submit(release.wait)
    order: list[str] = []

    async def parse(client: str) -> None:
        content = message(body="x\r\n" * lines)
        await make_incoming(threads, reverse_path="", deliveries=(), trace=trace(client), content=content)
        order.append(client)

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
        # Both addresses of the first client are in the same /64.
        for client in [*["2001:db8::1", "2001:db8::2"] * 2, "2001:db8:0:1::1"]:
            tasks.create_task(parse(client))
            await asyncio.sleep(0)
        release.set()

    assert order.index("2001:db8:0:1::1") == 1
