"""TLS with a real certificate authority: the certificate files of a daemon, and sessions over TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trustme
from support.harness import DOMAINS
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS


class KeyPair:
    """A full chain and its key, as the files that the daemon reads."""

    def __init__(self, directory: Path, leaf: trustme.LeafCert) -> None:
        self.chain = directory / "chain.pem"
        self.key = directory / "key.pem"
        self.environ = {"TLS_CERT_FILE": str(self.chain), "TLS_KEY_FILE": str(self.key)}
        self.write(leaf)

    def write(self, leaf: trustme.LeafCert) -> None:
        self.chain.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        self.key.write_bytes(leaf.private_key_pem.bytes())


class Authority:
    """A private root, and certificates for the daemon's name from the intermediate below it."""

    def __init__(self) -> None:
        self.root = trustme.CA()
        self._intermediate = self.root.create_child_ca()

    def issue(self) -> trustme.LeafCert:
        return self._intermediate.issue_cert(DOMAINS[0], "127.0.0.1")

    def trust(self) -> ssl.SSLContext:
        """The TLS context of a client that trusts the root alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.root.configure_trust(context)
        return context


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[SmtpClient]:
    async with SmtpClient.connect(port) as client:
        try:
            yield client
        finally:
            # A TLS connection waits for the peer to close it too; the event loop of a test ends before that.
            client.writer.transport.abort()


async def start_tls(client: SmtpClient, trust: ssl.SSLContext) -> None:
    await client.converse(("EHLO client.test", 250), ("STARTTLS", 220))
    await shake_hands(client, trust)


async def shake_hands(client: SmtpClient, trust: ssl.SSLContext) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        await client.writer.start_tls(trust, server_hostname=DOMAINS[0])


@asynccontextmanager
async def secured(port: int, trust: ssl.SSLContext) -> AsyncIterator[SmtpClient]:
    """A session over TLS, right after the handshake."""
    async with connected(port) as client:
        await start_tls(client, trust)
        yield client
