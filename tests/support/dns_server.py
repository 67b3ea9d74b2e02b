"""A DNS server of the test's own, by UDP and TCP on a port of the loopback, with a zone that the test may change."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from dnslib import QTYPE, RCODE, RR, DNSError, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer
from support.harness import free_port

# Records by name and type. A name without any is not there, unless another name ends with it. `*.name` stands for all
# names below that are not there.
Zone: TypeAlias = dict[tuple[str, str], tuple[str, ...]]

# In place of records: the server fails, or never answers.
FAILS, IS_SILENT = ("SERVFAIL",), ("SILENCE",)
_UDP_OCTETS = 512
_POLL_SECONDS = 0.02


class _SilenceError(DNSError):  # type: ignore[misc]  # dnslib has no types
    """No answer is sent: to dnslib, the question cannot be read."""


class DnsServer(BaseResolver):  # type: ignore[misc]  # dnslib has no types
    """Answers from `zone`, and counts the questions."""

    def __init__(self, zone: Zone, port: int) -> None:
        self.zone = zone
        self.port = port
        self.asked: Counter[tuple[str, str]] = Counter()

    @property
    def address(self) -> str:
        """The server as the setting AUTHENTICATION_RESOLVER names it."""
        return f"127.0.0.1:{self.port}"

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        name, kind = str(request.q.qname).rstrip(".").lower(), QTYPE[request.q.qtype]
        self.asked[name, kind] += 1
        known = self.zone if self._is_there(name) else self._below_star(name)
        values = known.get((name, kind), ())
        reply = request.reply()
        if values == IS_SILENT:
            raise _SilenceError
        if values == FAILS:
            reply.header.rcode = RCODE.SERVFAIL
        elif not known:
            reply.header.rcode = RCODE.NXDOMAIN
        for value in values:
            reply.add_answer(*RR.fromZone(f"{name}. 60 IN {kind} {_quoted(value) if kind == 'TXT' else value}"))
        if handler.protocol == "udp" and len(reply.pack()) > _UDP_OCTETS:
            reply = request.reply()
            reply.header.tc = 1  # the client asks again by TCP
        return reply

    def _is_there(self, name: str) -> bool:
        return any(known == name or known.endswith(f".{name}") for known, _ in self.zone)

    def _below_star(self, name: str) -> Zone:
        """The records that a wildcard of the parent makes for a name (RFC 4592)."""
        star = f"*.{name.partition('.')[2]}"
        return {(name, kind): values for (known, kind), values in self.zone.items() if known == star}


class _Log(DNSLogger):  # type: ignore[misc]  # dnslib has no types
    """No log: a silent answer is an error to dnslib."""

    def __init__(self) -> None:
        super().__init__(log="-recv,-send,-request,-reply,-truncated,-error,-data", prefix=False)


@contextmanager
def running_dns(zone: Zone) -> Iterator[DnsServer]:
    """Run the server during the block."""
    server = DnsServer(zone, free_port())
    running = [
        DNSServer(server, address="127.0.0.1", port=server.port, tcp=is_tcp, logger=_Log()).server
        for is_tcp in (False, True)
    ]
    threads = [threading.Thread(target=each.serve_forever, args=(_POLL_SECONDS,), daemon=True) for each in running]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        for each, thread in zip(running, threads, strict=True):
            each.shutdown()
            each.server_close()
            thread.join()


def _quoted(value: str) -> str:
    return " ".join(f'"{value[start : start + 200]}"' for start in range(0, len(value), 200))
