"""Connects to the host that takes writes, among several of which one may accept a connection and never answer."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Self, TypeVar

import psycopg
from psycopg.abc import ConnParam
from psycopg.conninfo import conninfo_attempts_async, conninfo_to_dict, make_conninfo, timeout_from_conninfo
from psycopg.rows import TupleRow

WRITABLE = frozenset({"primary", "read-write"})
# A host that takes longer to answer does not keep the others waiting; one that refused is asked again as often.
_NEXT_SECONDS = 0.25


class HostConnection(psycopg.AsyncConnection[TupleRow]):
    """A connection to the first host that takes writes, if the URL asks for one (`target_session_attrs`).

    psycopg asks one host after the other. A frozen one would hold up each new connection until `connect_timeout`, and
    in that time nobody would notice that another one was promoted.
    """

    @classmethod
    async def connect(  # type: ignore[override]  # psycopg's other parameters are not used here
        cls, conninfo: str = "", *, autocommit: bool = False, **parameters: ConnParam
    ) -> Self:
        """As psycopg's `connect`; raises the error of the host that failed last when none takes writes."""

        async def connect_to(host: str) -> Self:
            return await super(HostConnection, cls).connect(host, autocommit=autocommit)

        given = conninfo_to_dict(conninfo, **parameters)
        if given.get("target_session_attrs") not in WRITABLE:
            return await connect_to(make_conninfo("", **given))
        hosts = [make_conninfo("", **each) for each in await conninfo_attempts_async(given)]
        return await _first(connect_to, hosts, timeout_from_conninfo(given))


Connected = TypeVar("Connected", bound=HostConnection)


async def _first(connect: Callable[[str], Awaitable[Connected]], hosts: Iterable[str], seconds: float) -> Connected:
    """The first connection to any of `hosts`.

    While one of them does not answer, those that refused are asked again, for so many seconds.
    """
    loop = asyncio.get_running_loop()
    again_until = loop.time() + seconds
    untried, refused = deque(hosts), deque[str]()
    attempts: dict[asyncio.Future[Connected], str] = {}
    is_silent = False
    try:
        while True:
            if untried or (refused and is_silent and loop.time() < again_until):
                host = (untried or refused).popleft()
                attempts[asyncio.ensure_future(connect(host))] = host
            done, _ = await asyncio.wait(attempts, timeout=_NEXT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            is_silent = not done
            for attempt in done:
                host = attempts.pop(attempt)
                if attempt.exception() is None or not (attempts or untried):
                    return attempt.result()
                refused.append(host)
    finally:
        await _give_up(attempts)


async def _give_up(attempts: Iterable[asyncio.Future[Connected]]) -> None:
    attempts = list(attempts)
    for attempt in attempts:
        attempt.cancel()
    for connection in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(connection, HostConnection):
            await connection.close()
