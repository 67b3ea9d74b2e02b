"""Who has how many sessions: the limits for each client address, counted in bounded memory. Pure."""

import ipaddress
from collections import Counter, OrderedDict
from functools import lru_cache

from fake_email.settings import Settings
from smtp_ingest.session_limits import Limit

_MINUTE = 60.0
# Past this many clients in a minute the one known longest is forgotten.
_MAX_KNOWN = 65_536
_MAX_PARSED = 4_096


class ClientLimits:
    """Counts sessions by client: an IPv4 address, or the /64 an IPv6 address is in."""

    def __init__(self, settings: Settings) -> None:
        self._max_sessions = settings.smtp_max_client_sessions
        self._max_per_minute = settings.smtp_max_client_sessions_per_minute
        self._exempt = [ipaddress.ip_network(network) for network in settings.smtp_exempt_networks]
        self._live: Counter[int] = Counter()
        # To parse an address takes longer than all the rest here.
        self.key = lru_cache(_MAX_PARSED)(self._key)
        # The minute of each client begins with its first session, so the one that began first stands first.
        self._minutes: OrderedDict[int, tuple[float, int]] = OrderedDict()

    def _key(self, address: str) -> int | None:
        """What a client is counted under; None for one that no limit of its own holds for."""
        client = _parse(address)
        if client is None or client.is_loopback:
            return None
        if any(client in network for network in self._exempt):
            return None
        # An IPv6 /64 is one customer; the bit above keeps it apart from IPv4.
        return int(client) if client.version == 4 else 1 << 64 | int(client) >> 64  # noqa: PLR2004

    def admit(self, key: int, now: float) -> Limit | None:
        """Count one more session; the limit in the way when there is one, and then nothing is counted."""
        if self._live[key] >= self._max_sessions:
            return "smtp_max_client_sessions"
        while self._minutes and next(iter(self._minutes.values()))[0] <= now - _MINUTE:
            self._minutes.popitem(last=False)
        began_at, sessions = self._minutes.get(key, (now, 0))
        if sessions >= self._max_per_minute:
            return "smtp_max_client_sessions_per_minute"
        self._minutes[key] = (began_at, sessions + 1)
        if len(self._minutes) > _MAX_KNOWN:
            self._minutes.popitem(last=False)
        self._live[key] += 1
        return None

    def leave(self, key: int) -> None:
        """Count one session less."""
        self._live[key] -= 1
        if self._live[key] <= 0:
            del self._live[key]


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
