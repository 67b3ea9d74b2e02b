"""A cheap HTTP client: one connection to the API, one call at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import msgspec

_LIMIT = 1_048_576
_LENGTH = b"content-length: "


class _Created(msgspec.Struct):
    temp_email_addr: str


class _Listed(msgspec.Struct):
    subject: str


class _Page(msgspec.Struct):
    messages: list[_Listed]


class UnexpectedResponse(Exception):
    """The status of the response was not 200."""


class ApiConnection:
    """A connection to the API; `stream` must be the last call on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, host: str, port: int) -> AsyncIterator["ApiConnection"]:
        """A connection that is closed after the block."""
        reader, writer = await asyncio.open_connection(host, port, limit=_LIMIT)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def make_mailbox(self) -> str:
        """Make a mailbox and return its address."""
        head = await self._call("POST /api/temporary-address")
        return msgspec.json.decode(await self._body(head), type=_Created).temp_email_addr

    async def poll(self, address: str) -> list[str]:
        """Return the subjects of the messages in a mailbox."""
        head = await self._call(f"GET /api/inbox/poll?address={quote(address)}")
        return [each.subject for each in msgspec.json.decode(await self._body(head), type=_Page).messages]

    async def stream(self, address: str, messages: int) -> list[str]:
        """Return the subjects of the first `messages` messages of a mailbox's stream."""
        await self._call(f"GET /api/inbox/stream?address={quote(address)}")
        subjects: list[str] = []
        event = b""
        while len(subjects) < messages:
            line = await self._reader.readuntil(b"\n")
            if line.startswith(b"event: "):
                event = line
            elif line.startswith(b"data: ") and event == b"event: message\n":
                subjects.append(msgspec.json.decode(line[len("data: ") :], type=_Listed).subject)
        return subjects

    async def _call(self, request: str) -> bytes:
        self._writer.write(f"{request} HTTP/1.1\r\nHost: api.test\r\nContent-Length: 0\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise UnexpectedResponse(head.decode())
        return head

    async def _body(self, head: bytes) -> bytes:
        length = head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0]
        return await self._reader.readexactly(int(length))
