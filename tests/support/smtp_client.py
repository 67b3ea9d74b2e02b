"""An SMTP client that sends exactly what the test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from support.content import stuff
from support.waiting import DEADLINE_SECONDS


class Reply(msgspec.Struct, frozen=True):
    """An SMTP reply: its code and the text of its lines."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class SmtpClient:
    """An SMTP session that sends exactly the test's octets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def connect(cls, port: int, source: str = "127.0.0.1") -> AsyncIterator["SmtpClient"]:
        """Open a session from the address `source` and read its greeting."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        client = cls(reader, writer)
        try:
            greeting = await client.reply()
            assert greeting.code == 220, greeting
            yield client
        finally:
            writer.close()

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.writer.drain()

    async def reply(self) -> Reply:
        """Return the next reply; raises EOFError when the server closes the connection instead."""
        lines: list[str] = []
        async with asyncio.timeout(DEADLINE_SECONDS):
            while line := (await self.reader.readline()).decode():
                lines.append(line[4:].rstrip("\r\n"))
                if line[3:4] != "-":
                    return Reply(int(line[:3]), tuple(lines))
        raise EOFError

    async def command(self, line: str) -> Reply:
        await self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def converse(self, *exchanges: tuple[str, int]) -> Reply:
        """Send each line, check the code of its reply, and return the last reply."""
        for line, code in exchanges:
            reply = await self.command(line)
            assert reply.code == code, (line, reply)
        return reply

    async def begin(self, *recipients: str, reverse_path: str = "writer@client.test") -> None:
        """Send EHLO, MAIL, a RCPT for each recipient, and DATA."""
        await self.converse(
            ("EHLO client.test", 250),
            (f"MAIL FROM:<{reverse_path}>", 250),
            *((f"RCPT TO:<{recipient}>", 250) for recipient in recipients),
            ("DATA", 354),
        )

    async def begin_at_once(self, *recipients: str) -> None:
        """As `begin`, in one write: for a daemon with short deadlines, since a busy machine lets each turn wait."""
        lines = ["EHLO client.test", "MAIL FROM:<>", *(f"RCPT TO:<{recipient}>" for recipient in recipients), "DATA"]
        await self.send("".join(f"{line}\r\n" for line in lines).encode())
        codes = [(await self.reply()).code for _ in lines]
        assert codes == [250] * (len(lines) - 1) + [354], codes

    async def deliver(self, content: bytes, *recipients: str, reverse_path: str = "writer@client.test") -> Reply:
        """Run a transaction and return the reply to the final dot. `content` ends with CRLF, its dots not doubled."""
        await self.begin(*recipients, reverse_path=reverse_path)
        await self.send(stuff(content) + b".\r\n")
        return await self.reply()

    async def is_closed(self) -> bool:
        """Return whether the server closes the connection without a further reply."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.reader.read() == b""
