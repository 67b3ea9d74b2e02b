"""The database as one client's calls use it: each piece of work takes the client's turn for a connection."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from fake_email.errors import DatabaseAway
from fake_email.postgres.connection import ANSWER_SECONDS, Connection
from fake_email.postgres.pool import Database
from http_api.live.fair_shares import TURN_SECONDS, FairShares
from http_api.protocol.client_address import Client

Result = TypeVar("Result")


class ClientDatabase:
    """A Database for the calls of one client, which also raises Overloaded, after `seconds` without a turn."""

    __slots__ = ("_client", "_connections", "_database", "_seconds")

    def __init__(
        self, database: Database, connections: FairShares, client: Client, *, seconds: float | None = TURN_SECONDS
    ) -> None:
        self._database = database
        self._connections = connections
        self._client = client
        self._seconds = seconds

    async def run(
        self, work: Callable[[Connection], Awaitable[Result]], *, answer_seconds: float = ANSWER_SECONDS
    ) -> Result:
        """As Database.run, in the client's turn."""
        return await self._in_turn(partial(self._database.run, work, answer_seconds=answer_seconds))

    async def write(
        self, work: Callable[[Connection], Awaitable[Result]], *, answer_seconds: float = ANSWER_SECONDS
    ) -> Result:
        """As Database.write, in the client's turn."""
        return await self._in_turn(partial(self._database.write, work, answer_seconds=answer_seconds))

    async def probe(self) -> None:
        """As Database.probe, in the client's turn."""
        await self._in_turn(self._database.probe)

    async def _in_turn(self, work: Callable[[], Awaitable[Result]]) -> Result:
        share = self._connections.take_now(self._client) or await self._connections.take(
            self._client, seconds=self._seconds
        )
        try:
            return await work()
        except DatabaseAway:
            self._refuse_waiting()
            raise
        finally:
            share.release()

    def _refuse_waiting(self) -> None:
        """Tell the callers that wait for a connection what has happened, so that none takes it for an overload."""
        if self._database.is_away:
            self._connections.refuse_waiting(DatabaseAway)
