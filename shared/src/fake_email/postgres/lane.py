"""A lane: one connection that is kept for one kind of work, which runs often."""

from collections.abc import Awaitable, Callable

from psycopg.pq import TransactionStatus

from fake_email.postgres.connection import TimedConnection

# The plans of a lane's few statements fit any parameters, and planning takes longer than executing.
_GENERIC_PLANS = "SET plan_cache_mode = force_generic_plan"


class Lane:
    """Takes a connection of the pool and keeps it between calls, of which there is one at a time."""

    def __init__(
        self,
        connect: Callable[[float], Awaitable[TimedConnection]],
        put: Callable[[TimedConnection], Awaitable[None]],
        is_trusted: Callable[[TimedConnection], bool],
    ) -> None:
        self._connect = connect
        self._put = put
        self._is_trusted = is_trusted
        self._kept: TimedConnection | None = None

    async def take(self, asked_at: float) -> TimedConnection:
        """The kept connection, or another one of the pool when it is closed or no longer trusted."""
        kept, self._kept = self._kept, None
        if kept is not None:
            if not kept.closed and self._is_trusted(kept):
                return kept
            await self._return(kept)
        connection = await self._connect(asked_at)
        connection.keep_reading()
        return connection

    async def prepare(self, connection: TimedConnection) -> None:
        """Set up a connection that this lane has just taken, to keep prepared statements."""
        if connection.prepared_names is None:
            await connection.execute(_GENERIC_PLANS)
            connection.prepared_names = set()

    async def give_back(self, connection: TimedConnection) -> None:
        """Keep the connection for the next call, if it can be used again."""
        if connection.closed or connection.pgconn.transaction_status != TransactionStatus.IDLE:
            await self._return(connection)
        else:
            self._kept = connection

    async def end(self) -> None:
        """Return the connection to the pool."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await self._return(kept)

    async def _return(self, connection: TimedConnection) -> None:
        connection.stop_reading()
        connection.prepared_names = None
        await self._put(connection)
