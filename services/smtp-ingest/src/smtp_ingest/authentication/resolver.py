"""Look-ups in DNS by dnspython, on the event loop, by the resolver of the host or the one that the settings name."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import dns.asyncresolver
import dns.exception
import dns.rdata
import dns.resolver
from dns.nameserver import Do53Nameserver

from smtp_ingest.authentication.answer_cache import AnswerCache
from smtp_ingest.authentication.questions import Answer, Question

# Of one answer: the TXT records of a large company have some thousand bytes.
_MAX_OCTETS = 16_384
_MAX_RECORDS = 100
# RFC 2308 §5 takes this from the zone; a domain that was just set up is soon looked up again.
_NOTHING_SECONDS = 60.0
# RFC 9715: what reaches every host without fragments; what is longer comes by TCP.
_UDP_OCTETS = 1_232
_TRY_SECONDS = 1.5
_PROBE_SECONDS = 3.0


class NoResolverError(Exception):
    """Neither the settings nor the host name a resolver."""


class Resolver:
    """Answers by DNS and from the cache."""

    def __init__(self, server: tuple[str, int] | None) -> None:
        """`server` is an IP address and a port; None for the resolver of the host. Raises NoResolverError."""
        self._cache = AnswerCache()
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=server is None)
        except dns.resolver.NoResolverConfiguration:
            raise NoResolverError from None
        if server:
            self._resolver.nameservers = [Do53Nameserver(*server)]
        if not self._resolver.nameservers:
            raise NoResolverError
        self._resolver.use_edns(0, 0, _UDP_OCTETS)
        self._resolver.timeout = _TRY_SECONDS

    async def look_up(self, question: Question, seconds: float) -> Answer:
        """The answer within so many seconds; a failure is an answer too."""
        now = asyncio.get_running_loop().time()
        known = self._cache.get(question, now)
        if known:
            return known
        answer, lifetime = await self._ask(question, seconds)
        if not answer.failure:
            self._cache.add(question, answer, seconds=lifetime, now=now)
        return answer

    async def is_there(self) -> bool:
        """True when the resolver answers at all: it knows the servers of the root, whatever strangers do to theirs."""
        with suppress(dns.exception.DNSException, OSError):
            await self._resolver.resolve(".", "NS", raise_on_no_answer=False, lifetime=_PROBE_SECONDS, search=False)
            return True
        return False

    async def _ask(self, question: Question, seconds: float) -> tuple[Answer, float]:
        try:
            found = await self._resolver.resolve(
                question.name + ".", question.type, raise_on_no_answer=False, lifetime=max(seconds, 0.001), search=False
            )
        except dns.resolver.NXDOMAIN:
            return Answer(), _NOTHING_SECONDS
        except (dns.resolver.NoNameservers, dns.resolver.YXDOMAIN):
            return Answer(failure="the name servers of the domain do not work"), 0
        except dns.exception.Timeout:
            return Answer(failure="no answer in time", is_silent=True), 0
        except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
            return Answer(failure=f"no answer ({type(error).__name__})", is_silent=isinstance(error, OSError)), 0
        if found.rrset is None:
            return Answer(), _NOTHING_SECONDS
        return _answer(found.rrset), float(found.rrset.ttl)


def _answer(records: Iterable[dns.rdata.Rdata]) -> Answer:
    values: list[str] = []
    octets = 0
    for each in records:
        value = _value(each)
        octets += len(value)
        if octets > _MAX_OCTETS or len(values) >= _MAX_RECORDS:
            return Answer(failure="the answer is too long")
        values.append(value)
    return Answer(values=tuple(values))


def _value(record: dns.rdata.Rdata) -> str:
    strings = getattr(record, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("latin-1")
    return record.to_text().rstrip(".")
