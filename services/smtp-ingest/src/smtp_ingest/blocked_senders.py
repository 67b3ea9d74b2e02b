"""The senders that the operator blocks, read from the database every few seconds, and looked up for each RCPT."""

import asyncio
import ipaddress
from collections.abc import Iterable
from contextlib import suppress

import psycopg

from fake_email import mailbox_address
from fake_email.errors import DatabaseAway
from fake_email.postgres.pool import Database
from fake_email.storage import blocks
from fake_email.storage.blocks import Block

_READ_SECONDS = 2.0
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class BlockedSenders:
    """A block is in force a few seconds after the operator's command; while the database is away the last ones hold."""

    def __init__(self) -> None:
        self._domains: dict[str, Block] = {}
        # By IP version and length of the prefix: as many look-ups as there are lengths, however many the networks.
        self._networks: dict[tuple[int, int], dict[int, Block]] = {}

    def find(self, *, client_address: str, reverse_path: str) -> Block | None:
        """The block of the client's network, or of the domain of the reverse-path or a domain above it."""
        if self._networks and (block := self._find_network(client_address)):
            return block
        return self._find_domain(reverse_path) if self._domains else None

    def replace(self, known: Iterable[Block]) -> None:
        """From now on, block these senders and no others."""
        self._domains, self._networks = {}, {}
        for block in known:
            if "/" not in block.sender:
                self._domains[block.sender] = block
                continue
            network: _Network = ipaddress.ip_network(block.sender)
            same_length = self._networks.setdefault((network.version, network.prefixlen), {})
            same_length[int(network.network_address)] = block

    async def run(self, database: Database) -> None:
        """Read the blocks again and again, until cancelled."""
        while True:
            with suppress(DatabaseAway, psycopg.Error):
                self.replace(await database.run(blocks.fetch_all))
            await asyncio.sleep(_READ_SECONDS)

    def _find_network(self, client_address: str) -> Block | None:
        try:
            address = ipaddress.ip_address(client_address.partition("%")[0])
        except ValueError:  # a client that has left has no address
            return None
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        for (version, length), networks in self._networks.items():
            if version == address.version:
                shift = address.max_prefixlen - length
                if block := networks.get(int(address) >> shift << shift):
                    return block
        return None

    def _find_domain(self, reverse_path: str) -> Block | None:
        domain = mailbox_address.a_labels(reverse_path.rpartition("@")[2])
        while domain:
            if block := self._domains.get(domain):
                return block
            domain = domain.partition(".")[2]
        return None
