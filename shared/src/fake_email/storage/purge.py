"""The purge: deletes expired mailboxes and their mail, expired tickets, abandoned staged content, old tombstones.

One process at a time deletes, in batches, each a short transaction. After each batch it sleeps as long as the batch
took, so that the purge keeps the database busy for at most half of the time.
"""

import asyncio

import msgspec
import psycopg
import structlog

from fake_email.errors import DatabaseAway, DatabaseFull
from fake_email.postgres.pool import Database
from fake_email.storage import purge_batch
from fake_email.storage.purge_batch import NOTHING, Purged

log = structlog.get_logger()

INTERVAL_SECONDS = 5.0
# A batch takes milliseconds; on a slow disk a short deadline would run the same batch again and again.
_ANSWER_SECONDS = 20.0


async def run(database: Database) -> None:
    """Purge every INTERVAL_SECONDS until cancelled; a failed round is logged, and the next round tries again."""
    while True:
        try:
            await delete_all(database)
        except (DatabaseAway, DatabaseFull):
            pass  # OutageLog has logged it
        except psycopg.Error as error:
            log.warning("purge_failed", error=type(error).__name__)  # the text may quote a row
        except Exception:  # the edge: storing and reading continue
            log.exception("purge_failed")
        await asyncio.sleep(INTERVAL_SECONDS)


async def delete_all(database: Database) -> Purged:
    """Delete batch by batch until nothing is left to delete, or another process purges; returns how much."""
    loop = asyncio.get_running_loop()
    total = NOTHING
    began_at = loop.time()
    try:
        while True:
            batch_began_at = loop.time()
            purged = await _delete_batch(database)
            if purged == NOTHING:
                return total
            total += purged
            await asyncio.sleep(loop.time() - batch_began_at)
    finally:
        if total != NOTHING:
            log.info("mailboxes_purged", **msgspec.structs.asdict(total), seconds=round(loop.time() - began_at, 3))


async def _delete_batch(database: Database) -> Purged:
    try:
        return await database.write(purge_batch.delete, answer_seconds=_ANSWER_SECONDS)
    except DatabaseFull:
        # A tombstone needs disk space; deleting messages needs none, and frees some. Until then the row of the mailbox
        # keeps its address from being given out again, as the tombstone would.
        return await database.write(purge_batch.delete_messages_only, answer_seconds=_ANSWER_SECONDS)
