"""SMTP as cheap as a client can have it, for many sessions in one process."""

import asyncio
from collections.abc import Generator
from functools import partial

# Yields what to say, nothing to wait for one more reply, and is sent the code of each reply, the greeting's first.
Dialogue = Generator[tuple[bytes, ...], int, None]


class Conversation(asyncio.Protocol):
    """One session; `is_over` is set when the dialogue ends, or the connection before it."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue: Dialogue | None = dialogue
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self.is_over = asyncio.Event()

    @property
    def is_lost(self) -> bool:
        return self._transport is None

    # TCP's transport is a whole one; that of uvloop does not inherit from asyncio's, so isinstance would not tell.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._go_on(None)

    def data_received(self, octets: bytes) -> None:
        if self._dialogue is None:
            return
        *lines, self._rest = (self._rest + octets).split(b"\r\n")
        for line in lines:
            if line[3:4] != b"-":
                self._go_on(int(line[:3]))

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self.is_over.set()

    def say(self, *octets: bytes) -> None:
        """What the dialogue does not say."""
        if self._transport:
            for each in octets:
                self._transport.write(each)

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def _go_on(self, code: int | None) -> None:
        if self._dialogue is None:
            return
        try:
            self.say(*(next(self._dialogue) if code is None else self._dialogue.send(code)))
        except StopIteration:
            self._dialogue = None
            self.is_over.set()


async def connect(host: str, port: int, dialogue: Dialogue, *, source: str) -> Conversation:
    """A session from the address `source`; raises OSError."""
    _, conversation = await asyncio.get_running_loop().create_connection(
        partial(Conversation, dialogue), host, port, local_addr=(source, 0)
    )
    return conversation
