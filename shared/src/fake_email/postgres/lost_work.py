"""Work whose request or answer the network lost: its connection is cut, so that the pool runs it on another one."""

import asyncio
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial

import psycopg

from fake_email.errors import DatabaseAway
from fake_email.postgres.connection import TimedConnection, cut
from fake_email.postgres.outage_log import OutageLog
from fake_email.postgres.runs import Runs
from fake_email.postgres.tcp_progress import Progress, progress, waiting_for_client

# A connection on which nothing moves for this long is not a slow link.
_WATCH_SECONDS = 1.0


async def watch(database: Runs, working: AbstractSet[TimedConnection], outages: OutageLog) -> None:
    """Until cancelled, cut those of the `working` connections whose backends wait for us as we wait for them."""
    before: dict[TimedConnection, tuple[float, Progress]] = {}
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        now = _pending(working)
        silent = {each.pgconn.backend_pid: each for each, state in now.items() if before.get(each) == state}
        before = now
        if silent:
            with suppress(psycopg.Error, DatabaseAway):  # then no other connection works either
                waiting = await database.run(partial(waiting_for_client, pids=silent))
                after = _pending(working)
                for each in (silent[pid] for pid in waiting):
                    if after.get(each) == now[each]:
                        outages.stalled()
                        each.is_lost = True
                        cut(each)


def _pending(working: Iterable[TimedConnection]) -> dict[TimedConnection, tuple[float, Progress]]:
    """The connections that wait for an answer: since when, and how many octets have moved."""
    pending = (each for each in working if each.is_asked and each.is_watched)
    return {each: (each.asked_at, moved) for each in pending if (moved := progress(each))}
