"""The client of an HTTP call: its address, read from `X-Forwarded-For` where a trusted proxy wrote the field. Pure."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec
from litestar.types import Scope

from fake_email import client_network
from http_api.protocol import request_fields

_MAX_PARSED = 4_096
# The longest address: IPv6 with an IPv4 tail, in brackets, with a zone and a port.
_MAX_CHARACTERS = 80
# The longest chain of proxies; items to the left of them are not read.
_MAX_PROXIES = 16
# `1.2.3.4:567`, `[::1]` or `[::1]:567`.
_WITH_PORT = re.compile(r"\[([0-9a-fA-F:.%]+)\](?::\d{1,5})?|([0-9.]+):\d{1,5}")
_NO_NETWORK = 0
_OF_A_PROXY = frozenset({b"forwarded", b"via", b"x-real-ip"})


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """The client's address as text, and the number of the network that the client is counted as.

    A client that `is_exempt` has none of the limits of one client: the operator named its network, or it is a program
    on this host that calls without a proxy.
    """

    address: str
    network: int
    is_trusted: bool
    is_exempt: bool = False


class ClientAddresses:
    """Finds the client of a call; the server believes `X-Forwarded-For` from the networks in `trusted_proxies`."""

    def __init__(self, trusted_proxies: Sequence[str], exempt_networks: Sequence[str] = ()) -> None:
        self._trusted = [ipaddress.ip_network(network) for network in trusted_proxies]
        self._exempt = [ipaddress.ip_network(network) for network in exempt_networks]
        # Parsing an address takes longer than all other work here.
        self._cached = lru_cache(_MAX_PARSED)(self._read)

    def of(self, scope: Scope) -> Client:
        """The client of an ASGI call: the peer, or the client that a trusted peer names.

        A trusted proxy names the right-most address of all `X-Forwarded-For` fields that is not itself a trusted
        proxy. Each proxy appends the address of its own peer, so the client can forge only the addresses further left.
        Text that is not an address ends the search at the last address before it.
        """
        peer = scope.get("client")
        client = self._cached(peer[0]) if peer else None
        if client is None:
            return Client(address="", network=_NO_NETWORK, is_trusted=False)
        if not client.is_trusted:
            return self._exempt_on_this_host(client, scope)
        forwarded = request_fields.joined(scope["headers"], b"x-forwarded-for")
        if not forwarded:
            return self._exempt_on_this_host(client, scope)
        for item in reversed(forwarded.rsplit(",", _MAX_PROXIES)):
            text = item.strip()
            named = self._cached(text) if len(text) <= _MAX_CHARACTERS else None
            if named is None:
                break
            client = named
            if not client.is_trusted:
                break
        return client

    def _exempt_on_this_host(self, client: Client, scope: Scope) -> Client:
        """The client, exempt when it is on this host and no proxy has passed the call on."""
        if client.is_exempt or not is_loopback(client) or any(_is_of_a_proxy(name) for name, _ in scope["headers"]):
            return client
        return msgspec.structs.replace(client, is_exempt=True)

    def _read(self, text: str) -> Client | None:
        matched = _WITH_PORT.fullmatch(text)
        written = client_network.parse_address(matched[1] or matched[2] if matched else text)
        if written is None:
            return None
        address = client_network.unmap(written)
        return Client(
            address=str(address),
            network=client_network.network_number(address),
            # A setting may name an IPv4 network in either notation.
            is_trusted=any(each in network for network in self._trusted for each in (written, address)),
            is_exempt=any(each in network for network in self._exempt for each in (written, address)),
        )


def is_loopback(client: Client) -> bool:
    """True for an address of this host itself."""
    return client.address == "::1" or client.address.startswith("127.")


def _is_of_a_proxy(name: bytes) -> bool:
    return name in _OF_A_PROXY or name.startswith(b"x-forwarded-")
