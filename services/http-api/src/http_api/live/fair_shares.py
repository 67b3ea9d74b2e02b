"""A resource that clients share: each takes a share of it in turn, and gives up after some seconds.

The units are the resource's own: octets, connections, threads, calls. Clients take turns, one share at a turn; the
shares of one client are granted in the order in which it asked. A share that does not fit lets smaller ones pass.
"""

import asyncio
import math
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

import structlog

from fake_email.errors import ServiceError
from fake_email.once_a_minute import OnceAMinute
from http_api.live.share import Share
from http_api.live.stalled_shares import StalledShares
from http_api.protocol.client_address import Client
from http_api.protocol.errors import Overloaded

Resource = Literal[
    "answer_octets",
    "calls",
    "database_connections",
    "heavy_connections",
    "light_answer_octets",
    "quick_threads",
    "sanitizer_process",
    "stream_connections",
    "whole_contents",
    "work_threads",
]

# How long a caller waits for its turn.
TURN_SECONDS = 5.0

log = structlog.get_logger()


class _Caller:
    """A caller that waits for its turn."""

    __slots__ = ("granted", "share")

    def __init__(self, share: Share, granted: "asyncio.Future[None]") -> None:
        self.share = share
        self.granted = granted


class FairShares:
    """The shares of one resource in one worker process.

    Of `total` units one client holds at most `client_units`, or one larger share alone. At most `client_callers` calls
    of one client, and `callers` in all, wait for their turn; past the latter the longest queue loses its newest.
    """

    def __init__(
        self,
        resource: Resource,
        *,
        total: int,
        client_units: int,
        client_callers: int = sys.maxsize,
        callers: int = sys.maxsize,
        spares_exempt: bool = False,
        stall_seconds: float = math.inf,
    ) -> None:
        self.resource = resource
        self._total = total
        self._client_units = client_units
        self._client_callers = client_callers
        self._callers = callers
        # An exempt client has neither of the bounds of one client; it still takes turns.
        self._spares_exempt = spares_exempt
        self._held: dict[int, int] = {}
        # The callers by client; the client whose turn is next comes first.
        self._queues: dict[int, deque[_Caller]] = {}
        self._waiting = 0
        self._stalled = StalledShares(stall_seconds, is_wanted=lambda: bool(self._queues), is_short=self._is_short)
        self._once = OnceAMinute()
        self.units_held = 0
        # The callers that got no share.
        self.refused = 0

    @property
    def waiting(self) -> int:
        """The number of callers that wait for their turn."""
        return self._waiting

    @asynccontextmanager
    async def share(
        self, client: Client, units: int = 1, *, seconds: float | None = TURN_SECONDS
    ) -> AsyncIterator[Share]:
        """A share during the block; raises Overloaded as `take` does."""
        share = self.take_now(client, units) or await self.take(client, units, seconds=seconds)
        try:
            yield share
        finally:
            share.release()

    def take_now(self, client: Client, units: int = 1) -> Share | None:
        """A share, or None when the client would have to wait for its turn."""
        network, units = client.network, min(units, self._total)
        # Written out, since every call passes here.
        held = self._held.get(network, 0)
        is_within_own = not held or held + units <= self._client_units or self._is_spared(client)
        if network in self._queues or not is_within_own or self.units_held + units > self._total:
            return None
        self._held[network] = held + units
        self.units_held += units
        return Share(self, client, units)

    async def take(self, client: Client, units: int = 1, *, seconds: float | None = TURN_SECONDS) -> Share:
        """A share, when it is the client's turn; raises Overloaded after `seconds`, or when too many callers wait."""
        if share := self.take_now(client, units):
            return share
        caller = _Caller(Share(self, client, min(units, self._total)), asyncio.get_running_loop().create_future())
        self._enqueue(caller)
        try:
            async with asyncio.timeout(seconds):
                await caller.granted
        except BaseException as error:
            if caller in self._queues.get(client.network, ()):
                self._dequeue(caller)
            elif caller.granted.done() and not caller.granted.cancelled() and not caller.granted.exception():
                caller.share.release()  # granted in the moment in which the caller gave up
            if isinstance(error, TimeoutError):
                raise self._overloaded(client) from None
            raise
        return caller.share

    def refuse_waiting(self, error: Callable[[], ServiceError]) -> None:
        """Raise an error at each caller that waits."""
        for caller in [caller for queue in self._queues.values() for caller in queue]:
            self._refuse(caller, error())

    def give_back(self, share: Share, units: int) -> None:
        """Take `units` of a share back, and grant what fits now."""
        network = share.client.network
        share.units -= units
        self.units_held -= units
        if held := self._held[network] - units:
            self._held[network] = held
        else:
            del self._held[network]
        if not share.units and self._stalled.revocable:
            self._stalled.revocable.discard(share)
        if self._queues:
            self._take_turns()

    def make_revocable(self, share: Share) -> None:
        """From now on, revoke the share when it has been stalled for long while others wait."""
        self._stalled.revocable.add(share)

    def _fits(self, share: Share) -> bool:
        return self._is_within_own(share) and self.units_held + share.units <= self._total

    def _is_within_own(self, share: Share) -> bool:
        held = self._held.get(share.client.network, 0)
        return not held or held + share.units <= self._client_units or self._is_spared(share.client)

    def _is_spared(self, client: Client) -> bool:
        return self._spares_exempt and client.is_exempt

    def _grant(self, share: Share) -> None:
        network = share.client.network
        self._held[network] = self._held.get(network, 0) + share.units
        self.units_held += share.units

    def _take_turns(self) -> None:
        """Grant the callers' shares that fit, one of each client in a round, and move each such client to the end."""
        is_granted = True
        while is_granted:
            is_granted = False
            for network in tuple(self._queues):
                caller = self._queues[network][0]
                if caller.granted.done():  # its caller was cancelled, and has not run since
                    is_granted = True
                    self._dequeue(caller)
                    continue
                if not self._fits(caller.share):
                    continue
                is_granted = True
                self._dequeue(caller)
                if network in self._queues:
                    self._queues[network] = self._queues.pop(network)
                self._grant(caller.share)
                caller.granted.set_result(None)

    def _enqueue(self, caller: _Caller) -> None:
        client = caller.share.client
        if len(self._queues.get(client.network, ())) >= self._client_callers and not self._is_spared(client):
            raise self._overloaded(client)
        self._queues.setdefault(client.network, deque()).append(caller)
        self._waiting += 1
        if self._waiting > self._callers:
            newest = max(self._queues.values(), key=len)[-1]
            self._refuse(newest, self._overloaded(newest.share.client))
        self._stalled.revoke()

    def _refuse(self, caller: _Caller, error: ServiceError) -> None:
        self._dequeue(caller)
        if not caller.granted.done():
            caller.granted.set_exception(error)

    def _dequeue(self, caller: _Caller) -> None:
        network = caller.share.client.network
        queue = self._queues[network]
        queue.remove(caller)
        self._waiting -= 1
        if not queue:
            del self._queues[network]

    def _is_short(self) -> bool:
        """True while a client waits that is within its own bound."""
        firsts = (queue[0].share for queue in self._queues.values())
        return any(map(self._is_within_own, firsts))

    def _overloaded(self, client: Client) -> Overloaded:
        self.refused += 1
        if self._once.is_due(time.monotonic()):
            log.warning("overloaded", resource=self.resource, client=client.address)
        return Overloaded()
