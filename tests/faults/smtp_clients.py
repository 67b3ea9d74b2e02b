"""SMTP clients that retry each message until it is settled (RFC 5321 §4.5.4)."""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from support.content import stuff
from support.smtp_client import Reply, SmtpClient

from faults import generated_content
from faults.ledger import Sent

# Short for a test; the RFC's 30 minutes are for hosts that are away for days.
_RETRY_SECONDS = (0.05, 0.5)
# A client retries a message when it has waited this long for the replies.
_REPLY_SECONDS = 30.0
_SHARE_OF_LAST = 0.2
_SHARE_TO_SEVERAL = 0.1


class Outbox:
    """The messages of all clients, with numbers that are unique across clients, and the replies to them."""

    def __init__(self, host: str, port: int, *, seed: int) -> None:
        self.host = host
        self.port = port
        self.sent: list[Sent] = []
        self.replies: Counter[int] = Counter()
        self.acknowledged = 0
        self.acknowledged_for: Counter[str] = Counter()  # by address
        self._seed = seed

    def write(self, addresses: Sequence[str]) -> tuple[Sent, bytes]:
        """Return a new message to all of `addresses`, and its content."""
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
        """Note the reply that settled the message: 250, or a 5xx."""
        sent.reply = code
        if sent.is_acknowledged:
            sent.acknowledged_at = asyncio.get_running_loop().time()
            self.acknowledged += 1
            self.acknowledged_for.update(sent.addresses)


class RetryingClient:
    """A client that sends message after message, several in a session, and retries each until it is settled."""

    def __init__(self, outbox: Outbox, *, chance: random.Random) -> None:
        self._outbox = outbox
        self._chance = chance
        self._client: SmtpClient | None = None

    async def run(
        self,
        addresses: Sequence[str],
        *,
        pause_seconds: float,
        rush: asyncio.Event,
        is_behind: Callable[[], bool],
        is_stopping: Callable[[], bool],
    ) -> None:
        """Send until `is_stopping`, and settle the last message; send nothing while the readers are behind.

        The client pauses between two messages, except during a rush.
        """
        while not is_stopping():
            await self.send(self._choose_recipients(addresses))
            if self._chance.random() < _SHARE_OF_LAST:
                await self.quit()
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * pause_seconds * self._chance.random()):
                    await rush.wait()
            while is_behind() and not is_stopping():  # noqa: ASYNC110  # many readers change it
                await asyncio.sleep(pause_seconds)
        await self.quit()

    async def send(self, addresses: Sequence[str]) -> Sent:
        """Send a new message, with as many tries as it takes; return it once it is settled."""
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
                self._disconnect()
                await asyncio.sleep(self._chance.uniform(*_RETRY_SECONDS))
        return sent

    async def quit(self) -> None:
        """End the session, if there is one."""
        if self._client:
            with suppress(OSError, EOFError):
                await self._client.command("QUIT")
            self._disconnect()

    def _choose_recipients(self, addresses: Sequence[str]) -> list[str]:
        several = self._chance.random() < _SHARE_TO_SEVERAL
        return self._chance.sample(addresses, min(3, len(addresses)) if several else 1)

    async def _transact(self, sent: Sent, content: bytes) -> Reply:
        """Return the reply to the content, or the first reply that ends the transaction before it."""
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

    def _disconnect(self) -> None:
        if self._client:
            self._client.writer.close()
            self._client = None
