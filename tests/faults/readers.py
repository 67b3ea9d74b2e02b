"""Readers of mailboxes, by poll, wait and stream: each asks again and again for newer messages."""

import asyncio
import hashlib
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

import httpx
import msgspec
from support.http_client import events
from support.waiting import deadline

from faults import generated_content
from faults.ledger import Reading, Shown, Way

_RETRY_SECONDS = 0.1
_WAIT_SECONDS = 10
# A stream sends something every 15 s; a reader that gets nothing for longer asks again.
SILENCE_SECONDS = 20.0


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """An address and its token; an open mailbox has no token. Its readers are one client, as a proxy names it."""

    address: str
    token: str | None
    client: str

    @property
    def headers(self) -> Mapping[str, str]:
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"X-Forwarded-For": self.client, **authorization}


class _Listed(msgspec.Struct, frozen=True):
    """The fields of a listed message that matter here."""

    id: str
    seq: int
    subject: str


class _Page(msgspec.Struct, frozen=True):
    next_since: str | None
    messages: list[_Listed]


class Interrupted(Exception):
    """The response was not a page: the reader asks again."""


class Readers:
    """The readers' connections to the API, all that they were shown, and the statuses of their responses."""

    def __init__(self, http_url: str) -> None:
        self.readings: list[Reading] = []
        self.statuses: Counter[int] = Counter()
        self._clients = itertools.count(1)
        self.http = httpx.AsyncClient(
            base_url=http_url,
            verify=False,
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=5),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )

    async def make_mailbox(self, *, private: bool) -> Mailbox:
        """Create a mailbox."""
        created = await self.http.post("/api/temporary-address", json={"private": private})
        members = created.raise_for_status().json()
        client = f"192.0.2.{next(self._clients) % 256}"
        return Mailbox(address=members["temp_email_addr"], token=members.get("token"), client=client)

    async def is_healthy(self) -> bool:
        """Return whether /api/health reports success."""
        try:
            return (await self.http.get("/api/health")).is_success
        except httpx.TransportError:
            return False

    async def poll(self, mailbox: Mailbox) -> None:
        """Poll for pages, each time from the last `next_since` on."""
        reading = self._begin(mailbox, "poll")
        since: str | None = None

        async def read_once() -> None:
            nonlocal since
            response = await self._get("/api/inbox/poll", mailbox, since=since)
            page = msgspec.json.decode(response.content, type=_Page)
            for each in page.messages:
                _note(reading, each)
            since = page.next_since
            await asyncio.sleep(_RETRY_SECONDS)

        await self._repeat(reading, read_once)

    async def wait(self, mailbox: Mailbox) -> None:
        """Wait for a message after the last one, again and again."""
        reading = self._begin(mailbox, "wait")

        async def read_once() -> None:
            since = str(reading.shown[-1].seq) if reading.shown else None
            response = await self._get("/api/inbox/wait", mailbox, since=since, timeout=str(_WAIT_SECONDS))
            if response.is_success:
                _note(reading, msgspec.json.decode(response.content, type=_Listed))

        await self._repeat(reading, read_once)

    async def follow(self, mailbox: Mailbox) -> None:
        """Follow the stream as EventSource does: reopen one that ends, from the last event on."""
        reading = self._begin(mailbox, "stream")
        parameters = {"address": mailbox.address, **({"access_token": mailbox.token} if mailbox.token else {})}

        async def read_once() -> None:
            headers = {"X-Forwarded-For": mailbox.client}
            if reading.shown:
                headers["Last-Event-ID"] = str(reading.shown[-1].seq)
            async with self.http.stream("GET", "/api/inbox/stream", params=parameters, headers=headers) as response:
                self._check(response)
                async for event in events(response):
                    if event.event == "message":
                        _note(reading, msgspec.convert(event.data, _Listed))
            raise Interrupted

        await self._repeat(reading, read_once)

    async def source_sha256(self, mailbox: Mailbox, message_id: str, octets: int) -> str:
        """Return the hash of a source's last `octets`; only trace lines may stand before them (RFC 5321 §4.4)."""
        for _ in deadline():
            response = await self.http.get(f"/api/messages/{message_id}/source", headers=mailbox.headers)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
        if not response.is_success:
            return f"status {response.status_code}"
        source = response.content
        trace = source[: len(source) - octets]
        if not trace.startswith(b"Return-Path: <") or trace.count(b"\r\nReceived: ") != 1:
            return "no trace lines"
        return hashlib.sha256(source[len(source) - octets :]).hexdigest()

    def _begin(self, mailbox: Mailbox, way: Way) -> Reading:
        reading = Reading(address=mailbox.address, way=way)
        self.readings.append(reading)
        return reading

    async def _repeat(self, reading: Reading, read_once: Callable[[], Awaitable[None]]) -> NoReturn:
        while True:
            try:
                await read_once()
            except (httpx.TransportError, Interrupted) as error:
                if isinstance(error, httpx.TransportError):
                    self.statuses[0] += 1
                reading.interruptions += 1
                await asyncio.sleep(_RETRY_SECONDS)

    async def _get(self, path: str, mailbox: Mailbox, **parameters: str | None) -> httpx.Response:
        given = {name: value for name, value in parameters.items() if value is not None}
        response = await self.http.get(path, params={"address": mailbox.address, **given}, headers=mailbox.headers)
        self._check(response)
        return response

    def _check(self, response: httpx.Response) -> None:
        """Raise Interrupted unless the response is a page, or says that no message came in time."""
        self.statuses[response.status_code] += 1
        if response.is_success:
            return
        if response.status_code == 404 and b'"no_match"' in response.content:
            return
        raise Interrupted


def _note(reading: Reading, listed: _Listed) -> None:
    reading.shown.append(
        Shown(
            seq=listed.seq,
            id=listed.id,
            number=generated_content.number_of(listed.subject),
            at=asyncio.get_running_loop().time(),
        )
    )
