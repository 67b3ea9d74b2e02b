"""SMTP clients that keep each message until it is settled (RFC 5321 §4.5.4)."""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from support.harness import Reply, SmtpClient
from support.packets import stuff

from faults import generated_content
from faults.ledger import Sent

# As short as a test can have it; the RFC's half an hour is for hosts that are away for days.
_RETRY_SECONDS = (0.05, 0.5)
# How long a client gives a message to be settled before it tries anew.
_REPLY_SECONDS = 30.0
_SHARE_OF_LAST = 0.2
_SHARE_TO_SEVERAL = 0.1


class Outbox:
    """All that the clients send, and what they were told; they share its numbers."""

    def __init__(self, host: str, port: int, *, seed: int) -> None:
        self.host = host
        self.port = port
        self.sent: list[Sent] = []
        self.replies: Counter[int] = Counter()
        self.acknowledged = 0
        self.acknowledged_for: Counter[str] = Counter()  # by address
        self._seed = seed

    def write(self, addresses: Sequence[str]) -> tuple[Sent, bytes]:
        """A new message to all of `addresses`."""
        number = len(self.sent) + 1
        content = generated_content.make(number, random.Random(f"{self._seed} {number}"))
        sent = Sent(
            number=number,
            addresses=tuple(addresses),
            content_sha256=hashlib.sha256(content).hexdigest(),
            octets=len(content),
        )
        self.sent.append(sent)
        return sent, content

    def settle(self, sent: Sent, code: int) -> None:
        """The reply that says it is done with: taken, or refused for good."""
        sent.reply = code
        if sent.is_acknowledged:
            sent.acknowledged_at = asyncio.get_running_loop().time()
            self.acknowledged += 1
            self.acknowledged_for.update(sent.addresses)


class Outgoing:
    """One client: message after message, several in a session, each until it is settled."""

    def __init__(self, outbox: Outbox, *, chance: random.Random) -> None:
        self._outbox = outbox
        self._chance = chance
        self._client: SmtpClient | None = None

    async def run(
        self,
        addresses: Sequence[str],
        *,
        pause_seconds: float,
        haste: asyncio.Event,
        is_too_much: Callable[[], bool],
        is_enough: Callable[[], bool],
    ) -> None:
        """Send until it is enough, and what was begun by then is settled; nothing while it is too much.

        Between two messages there is a pause, but while there is haste.
        """
        while not is_enough():
            await self.send(self._some(addresses))
            if self._chance.random() < _SHARE_OF_LAST:
                await self.leave()
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * pause_seconds * self._chance.random()):
                    await haste.wait()
            while is_too_much() and not is_enough():  # noqa: ASYNC110  # told by many readers
                await asyncio.sleep(pause_seconds)
        await self.leave()

    async def send(self, addresses: Sequence[str]) -> Sent:
        """The message, once it is settled, however often it takes to."""
        sent, content = self._outbox.write(addresses)
        while sent.reply == 0:
            sent.tries += 1
            try:
                async with asyncio.timeout(_REPLY_SECONDS):
                    code = (await self._transact(sent, content)).code
            except (OSError, EOFError):  # TimeoutError is an OSError
                code = 0
            self._outbox.replies[code] += 1
            if code == 250 or code >= 500:
                self._outbox.settle(sent, code)
            else:
                self._drop()
                await asyncio.sleep(self._chance.uniform(*_RETRY_SECONDS))
        return sent

    async def leave(self) -> None:
        """End the session, if there is one."""
        if self._client:
            with suppress(OSError, EOFError):
                await self._client.command("QUIT")
            self._drop()

    def _some(self, addresses: Sequence[str]) -> list[str]:
        several = self._chance.random() < _SHARE_TO_SEVERAL
        return self._chance.sample(addresses, min(3, len(addresses)) if several else 1)

    async def _transact(self, sent: Sent, content: bytes) -> Reply:
        """The reply to the content, or the first that does not let it come to that."""
        client = self._client or await self._connect()
        commands = [
            "RSET",
            f"MAIL FROM:<writer@client.test> SIZE={len(content)}",
            *(f"RCPT TO:<{address}>" for address in sent.addresses),
            "DATA",
        ]
        for command in commands:
            reply = await client.command(command)
            if reply.code not in {250, 354}:
                return reply
        await client.send(stuff(content) + b".\r\n")
        return await client.reply()

    async def _connect(self) -> SmtpClient:
        client = SmtpClient(*await asyncio.open_connection(self._outbox.host, self._outbox.port))
        self._client = client
        for reply in (await client.reply(), await client.command("EHLO client.test")):
            if reply.code not in {220, 250}:
                raise ConnectionError(reply.text)
        return client

    def _drop(self) -> None:
        if self._client:
            self._client.writer.close()
            self._client = None
