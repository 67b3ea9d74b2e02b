"""A sender is checked after the commit, in a process of its own; when that process dies, the check still ends."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing

import httpx
import psutil
import pytest
from support.database import make_mailbox, store
from support.dns_server import IS_SILENT, DnsServer, running_dns
from support.harness import Pair, Service, running_smtp
from support.http_client import stream
from support.signed_mail import MAIL, rsa_key, signed
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS, until

ZONE = {
    ("example.com", "TXT"): ("v=spf1 ip4:127.0.0.1 -all",),
    ("_dmarc.example.com", "TXT"): ("v=DMARC1; p=reject",),
    ("s1._domainkey.example.com", "TXT"): (rsa_key()[1],),
    ("1.0.0.127.in-addr.arpa", "PTR"): ("mta.example.com.",),
    ("mta.example.com", "A"): ("127.0.0.1",),
    ("silent.example", "TXT"): IS_SILENT,
}


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    with running_dns(dict(ZONE)) as server:
        yield server


@pytest.fixture(scope="module")
def checking(pair: Pair, dns: DnsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service]]:
    """An smtp-ingest that checks senders, on the database of the pair."""
    with running_smtp(
        pair.database_url,
        tmp_path_factory.mktemp("checking"),
        AUTHENTICATION="on",
        AUTHENTICATION_RESOLVER=dns.address,
    ) as started:
        yield started


async def deliver(checking: Pair, address: str, content: bytes, *, reverse_path: str = "bounces@example.com") -> None:
    async with SmtpClient.connect(checking.smtp_port) as session:
        assert (await session.deliver(content, address, reverse_path=reverse_path)).code == 250


class Listener:
    """A stream of a mailbox that is open before mail is sent, until a check ends there."""

    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self._http = http
        self._address = address
        self.opened = asyncio.Event()

    async def checked(self) -> dict[str, object]:
        """The data of the event that ends a check, which comes after the event of its message."""
        known: set[object] = set()
        async with asyncio.timeout(DEADLINE_SECONDS), aclosing(stream(self._http, self._address)) as events:
            async for event in events:
                if event.event == "checked":
                    assert event.data["id"] in known
                    return event.data
                known.add(event.data["id"])
                self.opened.set()  # the first message was there before
        raise AssertionError(known)


async def new_mailbox(pair: Pair) -> str:
    """A mailbox that has a message already."""
    address = make_mailbox(pair.database_url)
    await store(pair.database_url, address, MAIL.replace(b"Hello", b"First"))
    return address


async def test_a_signed_message_is_checked_and_its_stream_hears_of_it(
    pair: Pair, http: httpx.AsyncClient, checking: tuple[Pair, Service]
) -> None:
    address = await new_mailbox(pair)
    listener = Listener(http, address)
    async with asyncio.TaskGroup() as tasks:
        ended = tasks.create_task(listener.checked())
        await listener.opened.wait()
        await deliver(checking[0], address, signed())

    event = ended.result()
    shown = (await http.get(f"/api/messages/{event['id']}")).json()["authentication"]
    results = [shown[name]["result"] for name in ("spf", "dmarc", "reverse_dns")]
    assert (event["status"], shown["status"]) == ("checked", "checked")
    assert (results, [each["result"] for each in shown["dkim"]]) == (["pass"] * 3, ["pass"])
    source = (await http.get(f"/api/messages/{event['id']}/source")).text
    assert source.startswith(
        "Return-Path: <bounces@example.com>\r\nAuthentication-Results: mx.test;\r\n\tspf=pass smtp.mailfrom=example.com"
    )


async def test_a_check_ends_when_its_process_dies_and_the_next_message_is_checked(
    pair: Pair, http: httpx.AsyncClient, dns: DnsServer, checking: tuple[Pair, Service]
) -> None:
    address = await new_mailbox(pair)
    listener = Listener(http, address)
    async with asyncio.TaskGroup() as tasks:
        lost = tasks.create_task(listener.checked())
        await listener.opened.wait()
        await deliver(checking[0], address, MAIL, reverse_path="a@silent.example")
        await until(lambda: dns.asked["silent.example", "TXT"] > 0)
        [process] = psutil.Process(checking[1].pid).children()
        process.kill()

    listener = Listener(http, address)
    async with asyncio.TaskGroup() as tasks:
        ended = tasks.create_task(listener.checked())
        await listener.opened.wait()
        await deliver(checking[0], address, signed())

    shown = (await http.get(f"/api/messages/{lost.result()['id']}")).json()["authentication"]
    assert (lost.result()["status"], shown["reason"]) == ("not_checked", "unfinished")
    assert ended.result()["status"] == "checked"
    assert [each["status"] for each in checking[1].events() if each["event"] == "check_process_ended"] == [-9]
