"""A cheap SMTP client, for many sessions in one process."""

import asyncio
from collections.abc import Generator
from functools import partial

# Yields octets to send, or nothing to await one more reply; receives the code of each reply, first the greeting's.
Dialogue = Generator[tuple[bytes, ...], int, None]


class SmtpSession(asyncio.Protocol):
    """One session; `is_over` is set when the dialogue or the connection ends."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue: Dialogue | None = dialogue
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self.is_over = asyncio.Event()

    @property
    def is_disconnected(self) -> bool:
        return self._transport is None

    # A TCP transport can read and write; uvloop's does not inherit from asyncio's, so isinstance cannot check it.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._advance(None)

    def data_received(self, octets: bytes) -> None:
        if self._dialogue is None:
            return
        *lines, self._rest = (self._rest + octets).split(b"\r\n")
        for line in lines:
            if line[3:4] != b"-":
                self._advance(int(line[:3]))

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self.is_over.set()

    def send(self, *octets: bytes) -> None:
        """Send octets that the dialogue does not send."""
        if self._transport:
            for each in octets:
                self._transport.write(each)

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def _advance(self, code: int | None) -> None:
        if self._dialogue is None:
            return
        try:
            self.send(*(next(self._dialogue) if code is None else self._dialogue.send(code)))
        except StopIteration:
            self._dialogue = None
            self.is_over.set()


async def connect(host: str, port: int, dialogue: Dialogue, *, local_address: str) -> SmtpSession:
    """Open a session from `local_address`; raises OSError."""
    _, session = await asyncio.get_running_loop().create_connection(
        partial(SmtpSession, dialogue), host, port, local_addr=(local_address, 0)
    )
    return session
