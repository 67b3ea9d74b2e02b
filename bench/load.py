"""The load generator: SMTP sessions that send as fast as the server replies, in a process of its own.

For each line on stdin, an Order, it prints a line, a Result. A session waits for each reply before its next command, as
senders do without PIPELINING: not every server here offers it.
"""

import asyncio
import itertools
import ssl
import sys
import time
from collections.abc import Iterator

import msgspec
import uvloop

from bench.mail import MESSAGE_OCTETS, message, realistic

_WARM_SECONDS = 0.2
# The measurement fails when a server hangs for this long.
_LAST_SECONDS = 60.0
_GREETING = (b"", b"220")
_EHLO = (b"EHLO client.test\r\n", b"250")
_STARTTLS = (b"STARTTLS\r\n", b"220")
_MAIL = b"MAIL FROM:<writer@client.test>\r\n"
_END = b".\r\n"

# What to send, and the code of the reply that must follow.
Dialogue = Iterator[tuple[bytes, bytes]]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The number of concurrent sessions, their server, duration and recipients, and the octets of each message."""

    host: str = "127.0.0.1"
    port: int
    sessions: int
    closes_after_message: bool
    seconds: float
    recipients: tuple[str, ...]
    octets: int = MESSAGE_OCTETS
    is_realistic: bool = False
    is_tls: bool = False


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Messages per second, all acknowledged messages and their seconds, and the share of a core that the load used."""

    per_second: float
    acknowledged: int
    seconds: float
    busy: float


class UnexpectedReply(Exception):
    """The server sent another reply than the dialogue expects."""


class Session(asyncio.Protocol):
    """Follows a dialogue to its end; a last dialogue ends when the server closes the connection."""

    def __init__(self, dialogue: Dialogue, *, is_last: bool = True) -> None:
        self._dialogue = dialogue
        self._is_last = is_last
        self.transport: asyncio.Transport | None = None
        self._expected = b""
        self._reply = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # A TCP transport is always a Transport; uvloop's does not inherit from asyncio's, so isinstance cannot narrow it.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self._say_next()

    def data_received(self, octets: bytes) -> None:
        reply = self._reply + octets if self._reply else octets
        # A reply is complete when its last line has no hyphen after the code (RFC 5321 §4.2.1).
        last = reply.rfind(b"\n", 0, -1) + 1
        if not reply.endswith(b"\n") or reply[last + 3 : last + 4] == b"-":
            self._reply = reply
            return
        self._reply = b""
        if reply.startswith(self._expected, last):
            self._say_next()
        else:
            self._fail(UnexpectedReply(f"{reply!r} instead of {self._expected!r}"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            if self._expected:
                self.ended.set_exception(error or UnexpectedReply(f"closed instead of {self._expected!r}"))
            else:
                self.ended.set_result(None)

    def _say_next(self) -> None:
        octets, self._expected = next(self._dialogue, (b"", b""))
        if octets and self.transport:
            self.transport.write(octets)
        elif not self._expected and not self._is_last:
            self.ended.set_result(None)

    def _fail(self, error: Exception) -> None:
        self.ended.set_exception(error)
        if self.transport:
            self.transport.abort()


class Load:
    """Carries out one order."""

    def __init__(self, order: Order, numbers: Iterator[int]) -> None:
        self._order = order
        self._numbers = numbers
        self._recipients = [b"RCPT TO:<%b>\r\n" % recipient.encode() for recipient in order.recipients]
        # Opportunistic TLS does not verify the certificate (RFC 7435).
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE
        self._is_over = False
        self._acknowledged = 0

    async def run(self) -> Result:
        """Send for the ordered time, then finish the messages in progress, which `per_second` does not count."""
        async with asyncio.timeout(_LAST_SECONDS), asyncio.TaskGroup() as tasks:
            for _ in range(self._order.sessions):
                tasks.create_task(self._connect_until_over())
            await asyncio.sleep(_WARM_SECONDS)
            began_at, busy, before = time.monotonic(), time.process_time(), self._acknowledged
            await asyncio.sleep(self._order.seconds)
            seconds, busy, counted = (
                time.monotonic() - began_at,
                time.process_time() - busy,
                self._acknowledged - before,
            )
            self._is_over = True
        return Result(
            # At least one message, so that every ratio is defined.
            per_second=max(counted, 1) / seconds,
            acknowledged=self._acknowledged,
            seconds=time.monotonic() - began_at + _WARM_SECONDS,
            busy=busy / seconds,
        )

    async def _connect_until_over(self) -> None:
        while not self._is_over:
            if self._order.is_tls:
                session = await self._start_tls()
            else:
                session = await self._connect(itertools.chain((_GREETING,), self._dialogue()))
            await session.ended

    async def _connect(self, dialogue: Dialogue, *, is_last: bool = True) -> Session:
        _, session = await asyncio.get_running_loop().create_connection(
            lambda: Session(dialogue, is_last=is_last), self._order.host, self._order.port
        )
        return session

    async def _start_tls(self) -> Session:
        plain = await self._connect(iter((_GREETING, _EHLO, _STARTTLS)), is_last=False)
        await plain.ended
        session = Session(self._dialogue())
        if plain.transport:
            transport = await asyncio.get_running_loop().start_tls(plain.transport, session, self._tls)
            if transport:  # asyncio's stub allows none
                session.connection_made(transport)
        return session

    def _dialogue(self) -> Dialogue:
        yield _EHLO
        while True:
            number = next(self._numbers)
            yield _MAIL, b"250"
            yield self._recipients[number % len(self._recipients)], b"250"
            yield b"DATA\r\n", b"354"
            content = realistic(number) if self._order.is_realistic else message(number, self._order.octets)
            yield content + _END, b"250"
            self._acknowledged += 1
            if self._is_over or self._order.closes_after_message:
                break
        yield b"QUIT\r\n", b"221"


def main() -> None:
    """Carry out orders until the end of stdin."""
    # No number is used twice: smtp-ingest takes equal content for a duplicate.
    numbers = itertools.count(1)
    for line in sys.stdin:
        order = msgspec.json.decode(line, type=Order)
        result = uvloop.run(Load(order, numbers).run())
        print(msgspec.json.encode(result).decode(), flush=True)


if __name__ == "__main__":
    main()
