"""HTTP as cheap as a client can have it: one connection to the API, one call at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import msgspec

_LIMIT = 1_048_576
_LENGTH = b"content-length: "


class _Made(msgspec.Struct):
    temp_email_addr: str


class _Listed(msgspec.Struct):
    subject: str


class _Page(msgspec.Struct):
    messages: list[_Listed]


class UnexpectedAnswer(Exception):
    """The API said something else than 200."""


class Asking:
    """A connection; after `stream` it is good for nothing more."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, host: str, port: int) -> AsyncIterator["Asking"]:
        """One that is closed after the block."""
        reader, writer = await asyncio.open_connection(host, port, limit=_LIMIT)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def make_mailbox(self) -> str:
        """The address of a new one."""
        head = await self._ask("POST /api/temporary-address")
        return msgspec.json.decode(await self._body(head), type=_Made).temp_email_addr

    async def poll(self, address: str) -> list[str]:
        """The subjects in a mailbox."""
        head = await self._ask(f"GET /api/inbox/poll?address={quote(address)}")
        return [each.subject for each in msgspec.json.decode(await self._body(head), type=_Page).messages]

    async def stream(self, address: str, messages: int) -> list[str]:
        """The subjects of so many that a mailbox's stream shows."""
        await self._ask(f"GET /api/inbox/stream?address={quote(address)}")
        subjects: list[str] = []
        while len(subjects) < messages:
            line = await self._reader.readuntil(b"\n")
            if line.startswith(b"data: "):
                subjects.append(msgspec.json.decode(line[len("data: ") :], type=_Listed).subject)
        return subjects

    async def _ask(self, call: str) -> bytes:
        self._writer.write(f"{call} HTTP/1.1\r\nHost: api.test\r\nContent-Length: 0\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise UnexpectedAnswer(head.decode())
        return head

    async def _body(self, head: bytes) -> bytes:
        length = head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0]
        return await self._reader.readexactly(int(length))
