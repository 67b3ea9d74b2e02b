"""The limits on the sessions of one client, counted in bounded memory. Pure."""

import ipaddress
from collections import Counter, OrderedDict
from functools import lru_cache

from fake_email import client_network
from fake_email.settings import Settings
from smtp_ingest.session_limits import Limit

_MINUTE = 60.0
# Past this many networks in a minute, the network with the oldest minute is dropped.
_MAX_MINUTES = 65_536
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
