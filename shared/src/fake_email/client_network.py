"""The network that a client is counted as: its IPv4 address, or the /64 that its IPv6 address is in. Pure."""

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_IPV4 = 4
_MAX_CACHED = 4_096


def parse_address(text: str) -> Address | None:
    """The address as written, without its zone (RFC 4007 §11); None when `text` is not an address."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def unmap(address: Address) -> Address:
    """The IPv4 address in an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2); any other address unchanged."""
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(_MAX_CACHED)  # parsing an address would take as long as the rest of admitting a session
def network_of(text: str) -> int | None:
    """The number of the network of an address as written; None when `text` is not an address."""
    written = parse_address(text)
    return None if written is None else network_number(unmap(written))


def network_number(address: Address) -> int:
    """The number of the network of an unmapped address; an IPv4 address and an IPv6 /64 never share a number."""
    # One customer has a whole /64. Bit 64 tells an IPv6 network from an IPv4 address.
    return int(address) if address.version == _IPV4 else 1 << 64 | int(address) >> 64
