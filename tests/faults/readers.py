"""Readers of mailboxes: each asks in its own way for what is past the last message that it was shown, for good."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

import httpx
import msgspec
from support.harness import events

from faults import generated_content
from faults.ledger import Reading, Shown

_RETRY_SECONDS = 0.1
_WAIT_SECONDS = 10
# A stream says something every 15 s; who hears nothing for longer asks again.
SILENCE_SECONDS = 20.0


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """An address, and what opens it; no token for one that is open."""

    address: str
    token: str | None

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


class _Listed(msgspec.Struct, frozen=True):
    """What counts here of a message as the API lists it."""

    id: str
    seq: int
    subject: str


class _Page(msgspec.Struct, frozen=True):
    next_since: str | None
    messages: list[_Listed]


class Interrupted(Exception):
    """The answer was no page: the reader asks again."""


class Readers:
    """What all readers share: the way to the API, and the list of what they were answered."""

    def __init__(self, http_url: str) -> None:
        self.readings: list[Reading] = []
        self.statuses: Counter[int] = Counter()
        self.http = httpx.AsyncClient(
            base_url=http_url,
            verify=False,
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=5),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )

    async def make_mailbox(self, *, private: bool) -> Mailbox:
        """A new one."""
        made = await self.http.post("/api/temporary-address", json={"private": private})
        members = made.raise_for_status().json()
        return Mailbox(address=members["temp_email_addr"], token=members.get("token"))

    async def is_healthy(self) -> bool:
        """Whether the API says that it can do its work."""
        try:
            return (await self.http.get("/api/health")).is_success
        except httpx.TransportError:
            return False

    async def poll(self, mailbox: Mailbox) -> None:
        """Ask for pages, from the last `next_since` on."""
        reading = self._begin(mailbox, "poll")
        since: str | None = None

        async def look() -> None:
            nonlocal since
            answer = await self._get("/api/inbox/poll", mailbox, since=since)
            page = msgspec.json.decode(answer.content, type=_Page)
            for each in page.messages:
                _note(reading, each)
            since = page.next_since
            await asyncio.sleep(_RETRY_SECONDS)

        await self._again_and_again(reading, look)

    async def wait(self, mailbox: Mailbox) -> None:
        """Wait for a message past the last one."""
        reading = self._begin(mailbox, "wait")

        async def look() -> None:
            since = str(reading.shown[-1].seq) if reading.shown else None
            answer = await self._get("/api/inbox/wait", mailbox, since=since, timeout=str(_WAIT_SECONDS))
            if answer.is_success:
                _note(reading, msgspec.json.decode(answer.content, type=_Listed))

        await self._again_and_again(reading, look)

    async def follow(self, mailbox: Mailbox) -> None:
        """Follow the stream, as EventSource does: one that ends is asked for again, from the last event on."""
        reading = self._begin(mailbox, "stream")
        parameters = {"address": mailbox.address, **({"access_token": mailbox.token} if mailbox.token else {})}

        async def look() -> None:
            headers = {"Last-Event-ID": str(reading.shown[-1].seq)} if reading.shown else {}
            async with self.http.stream("GET", "/api/inbox/stream", params=parameters, headers=headers) as answer:
                self._check(answer)
                async for event in events(answer):
                    if event.event == "message":
                        _note(reading, msgspec.convert(event.data, _Listed))
            raise Interrupted

        await self._again_and_again(reading, look)

    async def source_sha256(self, mailbox: Mailbox, message_id: str, octets: int) -> str:
        """The hash of the last `octets` of a message's source; before them is nothing but trace lines (RFC 5321)."""
        answer = await self.http.get(f"/api/messages/{message_id}/source", headers=mailbox.headers)
        if not answer.is_success:
            return f"status {answer.status_code}"
        source = answer.content
        trace = source[: len(source) - octets]
        if not trace.startswith(b"Return-Path: <") or trace.count(b"\r\nReceived: ") != 1:
            return "no trace lines"
        return hashlib.sha256(source[len(source) - octets :]).hexdigest()

    def _begin(self, mailbox: Mailbox, way: str) -> Reading:
        reading = Reading(address=mailbox.address, way=way)
        self.readings.append(reading)
        return reading

    async def _again_and_again(self, reading: Reading, look: Callable[[], Awaitable[None]]) -> NoReturn:
        while True:
            try:
                await look()
            except (httpx.TransportError, Interrupted) as error:
                if isinstance(error, httpx.TransportError):
                    self.statuses[0] += 1
                reading.interruptions += 1
                await asyncio.sleep(_RETRY_SECONDS)

    async def _get(self, path: str, mailbox: Mailbox, **parameters: str | None) -> httpx.Response:
        given = {name: value for name, value in parameters.items() if value is not None}
        answer = await self.http.get(path, params={"address": mailbox.address, **given}, headers=mailbox.headers)
        self._check(answer)
        return answer

    def _check(self, answer: httpx.Response) -> None:
        """Raise Interrupted unless it is a page, or says that none came in time."""
        self.statuses[answer.status_code] += 1
        if answer.is_success:
            return
        if answer.status_code == 404 and b'"no_match"' in answer.content:
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
