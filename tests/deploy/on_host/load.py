"""The load on a host during deploys: mail, new mailboxes, polls and streams; the API calls go through Caddy."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import httpx
import msgspec
from container import ADDRESS
from support.http_client import stream
from world import API

MESSAGES_PER_SECOND = 10
MADE_PER_SECOND = 20
MAILBOXES = 10
STREAMS = 50
_RETRY_SECONDS = 0.1
_MEANWHILE_SECONDS = 60.0


class Seen(msgspec.Struct, kw_only=True):
    """The results of the load, by subject, SMTP reply code or HTTP status."""

    accepted: dict[str, set[str]] = msgspec.field(default_factory=dict)  # by address
    replies: Counter[str] = msgspec.field(default_factory=Counter)
    statuses: Counter[int] = msgspec.field(default_factory=Counter)
    refused: int = 0
    polled: dict[str, list[str]] = msgspec.field(default_factory=dict)
    streamed: list[tuple[str, list[str]]] = msgspec.field(default_factory=list)
    reconnected: int = 0

    def __str__(self) -> str:
        messages = sum(map(len, self.accepted.values()))
        return (
            f"{messages} messages accepted, {self.refused} connections refused, replies {dict(self.replies)}, "
            f"HTTP statuses {dict(self.statuses)}, {self.reconnected} streams reconnected"
        )


class At(httpx.AsyncBaseTransport):
    """A transport that connects to the host by address and uses its name for TLS: no DNS has the name."""

    def __init__(self, authority: Path) -> None:
        trust = ssl.create_default_context(cafile=str(authority))
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._transport = httpx.AsyncHTTPTransport(verify=trust, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host=ADDRESS)
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


@asynccontextmanager
async def load(authority: Path) -> AsyncIterator[Seen]:
    """Run the load during the block, and its readers until each of them has received every accepted message."""
    seen = Seen()
    async with httpx.AsyncClient(
        base_url=f"https://{API}", transport=At(authority), timeout=_MEANWHILE_SECONDS
    ) as http:
        for _ in range(MAILBOXES):
            made = await http.post("/api/temporary-address", json={})
            seen.accepted[made.raise_for_status().json()["temp_email_addr"]] = set()
        addresses = list(seen.accepted)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            readers = [tasks.create_task(_poll(http, addresses[0], seen))]
            readers += [tasks.create_task(_make(http, seen))]
            readers += [tasks.create_task(_follow(http, addresses[n % MAILBOXES], seen)) for n in range(STREAMS)]
            sender = tasks.create_task(_send_all(addresses, seen, stop))
            try:
                yield seen
                stop.set()
                await sender
                async with asyncio.timeout(_MEANWHILE_SECONDS):
                    while not _is_all_there(seen):  # noqa: ASYNC110  # many readers, and each has its own list
                        await asyncio.sleep(_RETRY_SECONDS)
            finally:
                for task in (sender, *readers):
                    task.cancel()


def _is_all_there(seen: Seen) -> bool:
    lists = [*seen.polled.items(), *seen.streamed]
    return all(len(subjects) >= len(seen.accepted[address]) for address, subjects in lists)


async def _send_all(addresses: list[str], seen: Seen, stop: asyncio.Event) -> None:
    number = 0
    async with asyncio.TaskGroup() as tasks:
        while not stop.is_set():
            tasks.create_task(_send(addresses[number % MAILBOXES], f"message {number}", seen))
            number += 1
            await asyncio.sleep(1 / MESSAGES_PER_SECOND)  # the load, not a wait


async def _send(address: str, subject: str, seen: Seen) -> None:
    """Send a mail and retry it as an MTA does, until the server accepts it."""
    mail = f"From: Load <load@client.test>\r\nTo: {address}\r\nSubject: {subject}\r\n\r\nHello.\r\n."
    commands = ["EHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{address}>", "DATA", mail]
    while True:
        try:
            async with asyncio.timeout(_MEANWHILE_SECONDS):
                replies = await _converse(commands)
        except ConnectionRefusedError:
            seen.refused += 1
        else:
            seen.replies.update(replies)
            if replies == ["220", "250", "250", "250", "354", "250"]:
                seen.accepted[address].add(subject)
                return
        await asyncio.sleep(_RETRY_SECONDS)


async def _converse(commands: Sequence[str]) -> list[str]:
    """The codes of the replies; they end with the first error, or when the server closes the connection."""
    reader, writer = await asyncio.open_connection(ADDRESS, 25)
    codes = [await _reply(reader)]
    try:
        for command in commands:
            if codes[-1][:1] not in {"2", "3"}:
                break
            writer.write(f"{command}\r\n".encode())
            await writer.drain()
            codes.append(await _reply(reader))
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return codes


async def _reply(reader: asyncio.StreamReader) -> str:
    while line := await reader.readline():
        if line[3:4] != b"-":
            return line[:3].decode()
    return "end"


async def _make(http: httpx.AsyncClient, seen: Seen) -> None:
    """Create mailboxes: a proxy does not retry a POST that the server may have received."""
    while True:
        made = await http.post("/api/temporary-address", json={})
        seen.statuses[made.status_code] += 1
        await asyncio.sleep(1 / MADE_PER_SECOND)  # the load, not a wait


async def _poll(http: httpx.AsyncClient, address: str, seen: Seen) -> None:
    subjects = seen.polled.setdefault(address, [])
    since = ""
    while True:
        answer = await http.get("/api/inbox/poll", params={"address": address} | ({"since": since} if since else {}))
        seen.statuses[answer.status_code] += 1
        if answer.is_success:
            subjects += [message["subject"] for message in answer.json()["messages"]]
            since = answer.json()["next_since"] or since
        await asyncio.sleep(_RETRY_SECONDS)  # the load, not a wait


async def _follow(http: httpx.AsyncClient, address: str, seen: Seen) -> None:
    """Follow a stream as EventSource does: reconnect from the last event when it ends."""
    subjects: list[str] = []
    seen.streamed.append((address, subjects))
    last_event_id: str | None = None
    while True:
        with suppress(httpx.RemoteProtocolError, httpx.ReadError):
            async with aclosing(stream(http, address, last_event_id=last_event_id)) as events:
                async for event in events:
                    if event.event == "message":
                        subjects.append(str(event.data["subject"]))
                        last_event_id = event.id
        seen.reconnected += 1
