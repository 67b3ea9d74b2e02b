"""Whose call it is: the client's address, taken from `X-Forwarded-For` where a trusted proxy wrote it. Pure."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec
from litestar.types import Scope

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_PARSED = 4_096
# The longest there is: an IPv6 address with an IPv4 tail, in brackets, with a zone and a port.
_MAX_CHARACTERS = 80
# Proxies one behind the other; what says to have come through more is not looked at any further.
_MAX_PROXIES = 16
_WITH_PORT = re.compile(r"\[([0-9a-fA-F:.%]+)\](?::\d{1,5})?|([0-9.]+):\d{1,5}")
_NOBODY = 0


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: the address as text, and the network that it counts as: an IPv4 address, or an IPv6 /64."""

    address: str
    network: int
    is_trusted: bool


class ClientAddresses:
    """Tells who calls; `trusted_proxies` are networks whose word is taken for it."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted = [ipaddress.ip_network(network) for network in trusted_proxies]
        # To parse an address takes longer than all the rest here.
        self._known = lru_cache(_MAX_PARSED)(self._read)

    def of(self, scope: Scope) -> Client:
        """The client of an ASGI call: its peer, or whom the peer, being a trusted proxy, names.

        It is the right-most address of all `X-Forwarded-For` fields that is no trusted proxy itself, since each proxy
        adds on the right whom it saw, and what is left of that anybody could have written. Behind something that is no
        address nothing can be believed, so the search ends with the last good one.
        """
        peer = scope.get("client")
        client = self._known(peer[0]) if peer else None
        if client is None:
            return Client(address="", network=_NOBODY, is_trusted=False)
        if not client.is_trusted:
            return client
        fields = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        if not fields:
            return client
        for item in reversed(b",".join(fields).decode("latin-1").rsplit(",", _MAX_PROXIES)):
            text = item.strip()
            named = self._known(text) if len(text) <= _MAX_CHARACTERS else None
            if named is None:
                break
            client = named
            if not client.is_trusted:
                break
        return client

    def _read(self, text: str) -> Client | None:
        address = _parse(text)
        if address is None:
            return None
        plain = getattr(address, "ipv4_mapped", None) or address
        return Client(
            address=str(plain),
            # The bit above 64 keeps an IPv6 /64 apart from IPv4.
            network=int(plain) if plain.version == 4 else 1 << 64 | int(plain) >> 64,  # noqa: PLR2004
            is_trusted=any(each in network for network in self._trusted for each in (address, plain)),
        )


def _parse(text: str) -> _Address | None:
    """The address in `1.2.3.4`, `1.2.3.4:567`, `::1`, `fe80::1%eth0`, `[::1]` or `[::1]:567`."""
    matched = _WITH_PORT.fullmatch(text)
    try:
        return ipaddress.ip_address((matched[1] or matched[2] if matched else text).partition("%")[0])
    except ValueError:
        return None
