"""Group commit: messages that arrive during one database transaction are committed together in the next."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import msgspec
import psycopg
import structlog

from fake_email.batching import Batcher, QueueFull
from fake_email.errors import DatabaseAway, DatabaseFull, ServiceError
from fake_email.metrics.numbers import Histogram
from fake_email.postgres.lane import Lane
from fake_email.postgres.pool import Database
from fake_email.settings import Settings
from fake_email.storage import role_mailboxes, staging, store
from fake_email.storage.incoming_message import IncomingMessage
from fake_email.storage.store import Outcome, Quota

log = structlog.get_logger()

_BATCH_MESSAGES = 100
_BATCH_OCTETS = 8 * 1_048_576
# libpq copies all parameters of a statement at once, which delays the event loop. While Postgres stores one batch, the
# next one is sent.
_LARGE_BATCH_OCTETS = 1_048_576
_LARGE_BATCHES = 2
# A client waits ten minutes for the reply to the final dot (RFC 5321 §4.5.3.2.6); a working disk is never so slow.
_STATEMENT_SECONDS = 20.0
_TRIES = 3
# Above this size, a message has a queue and transactions beside those of small messages.
_LARGE_OCTETS = 524_288
# Above this size, COPY before the statement delays the event loop less; below, one statement takes half of the time.
_STAGED_OCTETS = 2_097_152
_CONCURRENT_STAGINGS = 2
# The buckets of the metrics of each transaction.
SECONDS_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
MESSAGE_BOUNDS = (1, 2, 5, 10, 20, 50, _BATCH_MESSAGES)


class NotStored(ServiceError):
    """The database refused this message."""


class GroupCommit:
    """Commits messages, many in one transaction; large messages have a queue and transactions of their own.

    A transaction of large messages takes tenths of a second and locks their mailboxes. Small messages for these
    mailboxes join the queue of large messages meanwhile, so that all other small messages do not wait.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._quota = Quota(messages=settings.mailbox_quota_messages, octets=settings.mailbox_quota_octets)
        self._staging = asyncio.Semaphore(_CONCURRENT_STAGINGS)
        # The lanes that no batch uses; the one that was used last is taken first.
        self._small_lanes: list[Lane] = []
        self._large_lanes: list[Lane] = []
        self._small, self._large = (
            Batcher(
                work,
                batch_items=_BATCH_MESSAGES,
                batch_weight=batch_octets,
                queue_items=settings.commit_queue_messages,
                queue_weight=settings.commit_queue_octets,
            )
            for work, batch_octets in ((self._store_small, _BATCH_OCTETS), (self._store_large, _LARGE_BATCH_OCTETS))
        )
        # The number of large messages in the queue or in flight, by mailbox id.
        self._large_messages: Counter[int] = Counter()
        self.seconds, self.messages = Histogram(SECONDS_BOUNDS), Histogram(MESSAGE_BOUNDS)

    @property
    def waiting(self) -> int:
        """The number of messages that are queued or in flight."""
        return self._small.items + self._large.items

    async def run(self) -> None:
        """Commit until cancelled."""
        async with AsyncExitStack() as lanes, asyncio.TaskGroup() as tasks:
            self._small_lanes = [await lanes.enter_async_context(self._database.lane())]
            self._large_lanes = [await lanes.enter_async_context(self._database.lane()) for _ in range(_LARGE_BATCHES)]
            tasks.create_task(self._small.run())
            for _ in self._large_lanes:
                tasks.create_task(self._large.run())
            tasks.create_task(self._database.watch())

    def is_full(self, octets: int) -> bool:
        """True when the queue would refuse a message of that size."""
        return self._batcher(octets).is_full

    def busy_seconds(self, octets: int) -> float:
        """The seconds that the commit before a message of that size has taken so far; 0 when no commit is in flight."""
        return self._batcher(octets).busy_seconds()

    def _batcher(self, octets: int) -> Batcher[IncomingMessage, Outcome]:
        return self._large if octets > _LARGE_OCTETS else self._small

    async def commit(self, incoming: IncomingMessage) -> Outcome:
        """The outcome of `incoming` once it is committed; raises DatabaseAway, DatabaseFull, QueueFull, NotStored."""
        mailbox_ids = [each.mailbox_id for each in incoming.deliveries]
        if incoming.octets <= _LARGE_OCTETS:
            batcher = self._large if self._large_messages.keys() & mailbox_ids else self._small
            return await batcher.submit(incoming, incoming.octets)
        if self._large.is_full:
            raise QueueFull
        self._large_messages.update(mailbox_ids)
        try:
            if incoming.octets > _STAGED_OCTETS:
                return await self._commit_staged(incoming)
            return await self._large.submit(incoming, incoming.octets)
        finally:
            self._large_messages.subtract(mailbox_ids)
            self._large_messages = +self._large_messages

    async def _commit_staged(self, incoming: IncomingMessage) -> Outcome:
        staged_id = await self._stage(incoming)
        staged = msgspec.structs.replace(incoming, content=b"", staged_id=staged_id)
        try:
            return await self._large.submit(staged, incoming.octets)
        except (DatabaseFull, QueueFull, NotStored):
            with suppress(psycopg.Error, ServiceError):  # The purge deletes abandoned content within the hour.
                await self._database.write(lambda connection: staging.drop(connection, [staged_id]))
            raise

    async def _stage(self, incoming: IncomingMessage) -> uuid.UUID:
        async with self._staging:
            try:
                return await self._database.write(
                    lambda connection: staging.put(connection, incoming.content), answer_seconds=_STATEMENT_SECONDS
                )
            except psycopg.Error as error:
                log.error("message_not_staged", error=type(error).__name__, octets=incoming.octets)  # noqa: TRY400
                raise NotStored from error

    async def _store_small(self, batch: Sequence[IncomingMessage]) -> Sequence[Outcome | ServiceError]:
        return await self._store_batch(batch, self._small_lanes)

    async def _store_large(self, batch: Sequence[IncomingMessage]) -> Sequence[Outcome | ServiceError]:
        return await self._store_batch(batch, self._large_lanes)

    async def _store_batch(
        self, batch: Sequence[IncomingMessage], lanes: list[Lane]
    ) -> Sequence[Outcome | ServiceError]:
        outcomes: Sequence[Outcome | ServiceError]
        began_at = time.monotonic()
        lane = lanes.pop()
        try:
            outcomes = await self._database.write(
                lambda connection: store.store_messages(connection, batch, self._quota),
                answer_seconds=_STATEMENT_SECONDS,
                lane=lane,
            )
        except psycopg.Error as error:
            # One bad message never fails the rest of its batch.
            log.warning("batch_refused", messages=len(batch), error=type(error).__name__)
            outcomes = await self._store_one_by_one(batch)
        finally:
            lanes.append(lane)
            self.seconds.observe(time.monotonic() - began_at)
            self.messages.observe(len(batch))
        await self._drop_oldest({each.mailbox_id for incoming in batch for each in incoming.deliveries if each.drops})
        return outcomes

    async def _drop_oldest(self, mailbox_ids: set[int]) -> None:
        if not mailbox_ids:
            return
        try:
            await self._database.write(
                lambda connection: role_mailboxes.drop_oldest(connection, sorted(mailbox_ids), self._quota)
            )
        except (psycopg.Error, ServiceError) as error:
            # The mail is committed, and the next message for these mailboxes tries again.
            log.warning("oldest_not_dropped", error=type(error).__name__)

    async def _store_one_by_one(self, batch: Sequence[IncomingMessage]) -> list[Outcome | ServiceError]:
        outcomes: list[Outcome | ServiceError] = []
        for incoming in batch:
            outcome = await self._store_one(incoming)
            if isinstance(outcome, (DatabaseAway, DatabaseFull)):
                # The message is not the cause, and each of a hundred messages would wait for the same error.
                return outcomes + [outcome] * (len(batch) - len(outcomes))
            outcomes.append(outcome)
        return outcomes

    async def _store_one(self, incoming: IncomingMessage) -> Outcome | ServiceError:
        for _ in range(_TRIES):
            try:
                [outcome] = await self._database.write(
                    lambda connection: store.store_messages(connection, [incoming], self._quota),
                    answer_seconds=_STATEMENT_SECONDS,
                )
            except psycopg.errors.UniqueViolation:
                continue  # Another daemon has just stored the same content; the next try finds the duplicate.
            except psycopg.Error as error:
                log.error(  # noqa: TRY400  # The exception's text quotes the row, with recipient and subject.
                    "message_not_stored",
                    error=type(error).__name__,
                    constraint=error.diag.constraint_name,
                    octets=incoming.octets,
                )
                return NotStored()
            except ServiceError as error:
                return error
            else:
                return outcome
        return NotStored()
