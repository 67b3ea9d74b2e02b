"""The limits on one client's sessions and on its stored octets, counted in bounded memory. Pure."""

import ipaddress
from collections import Counter, OrderedDict
from functools import lru_cache

import msgspec

from fake_email import client_network
from fake_email.once_a_minute import OnceAMinute
from fake_email.settings import Settings
from smtp_ingest.session_limits import Limit

_MINUTE = 60.0
# Past this many networks in a minute, the network with the oldest minute is dropped.
_MAX_MINUTES = 65_536
_DAY = 86_400.0
# Past this many networks in a day, the network with the oldest day is dropped.
_MAX_DAYS = 65_536
_MAX_PARSED = 4_096


class ClientLimits:
    """Counts sessions by the client's network: an IPv4 address, or an IPv6 /64."""

    def __init__(self, settings: Settings) -> None:
        self._max_sessions = settings.smtp_max_client_sessions
        self._max_per_minute = settings.smtp_max_client_sessions_per_minute
        self._exempt = [ipaddress.ip_network(network) for network in settings.smtp_exempt_networks]
        self._live: Counter[int] = Counter()
        # Parsing an address takes longer than all other work here.
        self.network = lru_cache(_MAX_PARSED)(self._network)
        # A client's minute begins with its first session, so the oldest minute stands first.
        self._minutes: OrderedDict[int, tuple[float, int]] = OrderedDict()

    def _network(self, address: str) -> int | None:
        """The network that a client is counted as; None for a client that these limits do not apply to."""
        written = client_network.parse_address(address)
        client = written and client_network.unmap(written)
        if client is None or client.is_loopback or any(client in network for network in self._exempt):
            return None
        return client_network.network_number(client)

    def admit(self, network: int, now: float) -> Limit | None:
        """Count one more session, or count nothing and return the limit that the client has reached."""
        if self._live[network] >= self._max_sessions:
            return "smtp_max_client_sessions"
        while self._minutes and next(iter(self._minutes.values()))[0] <= now - _MINUTE:
            self._minutes.popitem(last=False)
        began_at, sessions = self._minutes.get(network, (now, 0))
        if sessions >= self._max_per_minute:
            return "smtp_max_client_sessions_per_minute"
        self._minutes[network] = (began_at, sessions + 1)
        if len(self._minutes) > _MAX_MINUTES:
            self._minutes.popitem(last=False)
        self._live[network] += 1
        return None

    def release(self, network: int) -> None:
        """Count one session less."""
        self._live[network] -= 1
        if self._live[network] <= 0:
            del self._live[network]


class _Day(msgspec.Struct):
    began_at: float
    octets: int = 0
    once: OnceAMinute = msgspec.field(default_factory=OnceAMinute)


class ClientOctets:
    """Counts the octets stored for each network in a day, which begins with the network's first message."""

    def __init__(self, max_octets: int | None) -> None:
        self._max_octets = max_octets
        self._days: OrderedDict[int, _Day] = OrderedDict()

    def has_space(self, network: int, octets: int, now: float) -> bool:
        """True when the network may store a message of that size; 0 means an unknown size."""
        return self._max_octets is None or self._octets(network, now) + max(octets, 1) <= self._max_octets

    def count(self, network: int, octets: int, now: float) -> None:
        """Count octets, or with a negative number take them back."""
        if self._max_octets is None:
            return
        self._octets(network, now)
        day = self._days.setdefault(network, _Day(now))
        day.octets = max(day.octets + octets, 0)
        if len(self._days) > _MAX_DAYS:
            self._days.popitem(last=False)

    def is_to_be_logged(self, network: int, now: float) -> bool:
        """True once a minute for a network that has reached the limit."""
        day = self._days.get(network)
        if day is None:  # one message alone exceeds the limit
            return True
        return day.once.is_due(now)

    def _octets(self, network: int, now: float) -> int:
        while self._days and next(iter(self._days.values())).began_at <= now - _DAY:
            self._days.popitem(last=False)
        day = self._days.get(network)
        return day.octets if day else 0
