"""Look-ups in DNS by dnspython, by the resolver of this machine or by one that is named."""

import asyncio

import dns.asyncresolver
import dns.exception
import dns.rdata
import dns.resolver
from dns.nameserver import Do53Nameserver

_SECONDS = 6.0
_TRY_SECONDS = 1.5
_PROBE_SECONDS = 3.0
# RFC 9715: the size that reaches every host without fragments; a longer answer comes by TCP.
_UDP_OCTETS = 1_232


class LookupFailed(Exception):
    """A look-up has no answer; the text names the record and gives the reason."""


class Dns:
    """Records by name and type; each is looked up once."""

    def __init__(self, server: tuple[str, int] | None) -> None:
        """`server` is an IP address and a port; None for the resolver of this machine. Raises LookupFailed."""
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=server is None)
        except dns.resolver.NoResolverConfiguration:
            raise LookupFailed("this machine names no resolver") from None
        if server:
            self._resolver.nameservers = [Do53Nameserver(*server)]
        self._resolver.use_edns(0, 0, _UDP_OCTETS)
        self._resolver.timeout = _TRY_SECONDS
        self._asked: dict[tuple[str, str], asyncio.Future[tuple[str, ...]]] = {}

    @property
    def servers(self) -> list[str]:
        """The addresses of the resolvers."""
        return [str(getattr(each, "address", each)) for each in self._resolver.nameservers]

    async def values(self, name: str, kind: str) -> tuple[str, ...]:
        """The records of a name, as zone files have them but without quotes and final dots; raises LookupFailed."""
        key = (name, kind)
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(self._ask(name, kind))
        return await asyncio.shield(self._asked[key])

    async def answers(self) -> bool:
        """True when a resolver answers at all."""
        try:
            await self._resolver.resolve(".", "NS", raise_on_no_answer=False, lifetime=_PROBE_SECONDS, search=False)
        except dns.resolver.NXDOMAIN:
            return True
        except dns.resolver.NoNameservers as error:
            return any(response is not None for *_, response in error.kwargs["errors"])
        except (dns.exception.DNSException, OSError):
            return False
        return True

    async def _ask(self, name: str, kind: str) -> tuple[str, ...]:
        try:
            found = await self._resolver.resolve(
                f"{name}.", kind, raise_on_no_answer=False, lifetime=_SECONDS, search=False
            )
        except dns.resolver.NXDOMAIN:
            return ()
        except dns.resolver.NoNameservers:
            raise LookupFailed(f"{kind} {name}: its name servers fail") from None
        except dns.exception.Timeout:
            raise LookupFailed(f"{kind} {name}: no answer within {_SECONDS:.0f} s") from None
        except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
            raise LookupFailed(f"{kind} {name}: no answer ({type(error).__name__})") from None
        return tuple(map(_text, found.rrset or ()))


def _text(record: dns.rdata.Rdata) -> str:
    strings = getattr(record, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("latin-1")
    return record.to_text().rstrip(".").lower()
