"""Group commit: while one transaction is in flight the next messages gather, then they go in one statement."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import psycopg
import structlog

from fake_email.batching import Batcher, QueueFull
from fake_email.errors import DatabaseAway, DatabaseFull, ServiceError
from fake_email.postgres.pool import Database
from fake_email.settings import Settings
from fake_email.storage import role_mailboxes, staging, store
from fake_email.storage.store import IncomingMessage, Outcome

log = structlog.get_logger()

_BATCH_MESSAGES = 100
_BATCH_OCTETS = 8 * 1_048_576
# A sender waits ten minutes for the reply to the final dot (RFC 5321 §4.5.3.2.6); a disk may be slow, not that slow.
_ANSWER_SECONDS = 20.0
_TRIES = 3
# From here on COPY ahead of the statement is faster, and the event loop does not wait for it.
_STAGED_OCTETS = 524_288
_STAGINGS = 2


class NotStored(ServiceError):
    """The database refused this message."""


class GroupCommit:
    """Commits messages, many in a transaction; large ones in transactions of their own, beside the others.

    Such a transaction writes for tenths of a second, and has its mailboxes locked: what comes to these meanwhile goes
    the way of the large ones too, or all the others would wait with it.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._staging = asyncio.Semaphore(_STAGINGS)
        self._small, self._large = (
            Batcher(
                self._store,
                batch_items=_BATCH_MESSAGES,
                batch_weight=_BATCH_OCTETS,
                queue_items=settings.commit_queue_messages,
                queue_weight=settings.commit_queue_octets,
            )
            for _ in range(2)
        )
        # How many large messages each mailbox is about to get.
        self._awaiting: Counter[int] = Counter()

    async def run(self) -> None:
        """Commit until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._small.run())
            tasks.create_task(self._large.run())
            tasks.create_task(self._database.watch())

    def is_full(self, octets: int) -> bool:
        """Whether the next message of that size would be refused."""
        return self._gatherer(octets).is_full

    def busy_seconds(self, octets: int) -> float:
        """How long the commit that a message of that size would wait for has taken so far, 0 when there is none."""
        return self._gatherer(octets).busy_seconds()

    def _gatherer(self, octets: int) -> Batcher[IncomingMessage, Outcome]:
        return self._large if octets > _STAGED_OCTETS else self._small

    async def commit(self, arrival: IncomingMessage) -> Outcome:
        """What became of `arrival`, once it is committed; raises DatabaseAway, DatabaseFull, QueueFull, NotStored."""
        mailbox_ids = [each.mailbox_id for each in arrival.deliveries]
        if arrival.octets <= _STAGED_OCTETS:
            gatherer = self._large if self._awaiting.keys() & mailbox_ids else self._small
            return await gatherer.submit(arrival, arrival.octets)
        if self._large.is_full:
            raise QueueFull
        self._awaiting.update(mailbox_ids)
        try:
            return await self._commit_large(arrival)
        finally:
            self._awaiting.subtract(mailbox_ids)
            self._awaiting = +self._awaiting

    async def _commit_large(self, arrival: IncomingMessage) -> Outcome:
        staged_id = await self._stage(arrival)
        staged_arrival = msgspec.structs.replace(arrival, content=b"", staged_id=staged_id)
        try:
            return await self._large.submit(staged_arrival, arrival.octets)
        except (DatabaseFull, QueueFull, NotStored):
            with suppress(psycopg.Error, ServiceError):  # or it goes within the hour
                await self._database.write(lambda connection: staging.drop(connection, [staged_id]))
            raise

    async def _stage(self, arrival: IncomingMessage) -> uuid.UUID:
        async with self._staging:
            try:
                return await self._database.write(
                    lambda connection: staging.put(connection, arrival.content), answer_seconds=_ANSWER_SECONDS
                )
            except psycopg.Error as error:
                log.error("message_not_staged", error=type(error).__name__, octets=arrival.octets)  # noqa: TRY400
                raise NotStored from error

    async def _store(self, arrivals: Sequence[IncomingMessage]) -> Sequence[Outcome | ServiceError]:
        outcomes: Sequence[Outcome | ServiceError]
        try:
            outcomes = await self._database.write(
                lambda connection: store.store_messages(connection, arrivals), answer_seconds=_ANSWER_SECONDS
            )
        except psycopg.Error as error:
            # One bad message never fails its neighbours.
            log.warning("batch_refused", messages=len(arrivals), error=type(error).__name__)
            outcomes = await self._store_each(arrivals)
        await self._drop_oldest({each.mailbox_id for arrival in arrivals for each in arrival.deliveries if each.drops})
        return outcomes

    async def _drop_oldest(self, mailbox_ids: set[int]) -> None:
        if not mailbox_ids:
            return
        try:
            await self._database.write(
                lambda connection: role_mailboxes.drop_oldest(
                    connection,
                    sorted(mailbox_ids),
                    quota_messages=self._settings.mailbox_quota_messages,
                    quota_octets=self._settings.mailbox_quota_octets,
                )
            )
        except (psycopg.Error, ServiceError) as error:
            # The mail is committed; the next to come makes the room.
            log.warning("oldest_not_dropped", error=type(error).__name__)

    async def _store_each(self, arrivals: Sequence[IncomingMessage]) -> list[Outcome | ServiceError]:
        outcomes: list[Outcome | ServiceError] = []
        for arrival in arrivals:
            outcome = await self._store_one(arrival)
            if isinstance(outcome, (DatabaseAway, DatabaseFull)):
                # It lies with no message, and each of a hundred would find it out anew.
                return outcomes + [outcome] * (len(arrivals) - len(outcomes))
            outcomes.append(outcome)
        return outcomes

    async def _store_one(self, arrival: IncomingMessage) -> Outcome | ServiceError:
        for _ in range(_TRIES):
            try:
                [outcome] = await self._database.write(
                    lambda connection: store.store_messages(connection, [arrival]), answer_seconds=_ANSWER_SECONDS
                )
            except psycopg.errors.UniqueViolation:
                continue  # another daemon stored the same octets meanwhile; now they are seen
            except psycopg.Error as error:
                log.error(  # noqa: TRY400  # the exception's text quotes the row, recipient and subject and all
                    "message_not_stored",
                    error=type(error).__name__,
                    constraint=error.diag.constraint_name,
                    octets=arrival.octets,
                )
                return NotStored()
            except ServiceError as error:
                return error
            else:
                return outcome
        return NotStored()
