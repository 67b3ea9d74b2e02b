"""A batcher: one batch of work in flight for each `run`, while the next items gather for the batch after it.

It works without a timer: a lone item is worked on at once, and a crowd shares one round trip.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from fake_email.errors import ServiceError

log = structlog.get_logger()

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class QueueFull(ServiceError):
    """More work is queued than may be kept in memory."""


class WorkFailed(ServiceError):
    """A whole batch failed for an unexpected reason."""


class Batcher(Generic[Item, Outcome]):
    """Gathers items into batches for `work`, bounded in number and weight, and gives each item its outcome.

    An outcome that is an exception is raised at the caller that submitted the item.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | ServiceError]]],
        *,
        batch_items: int,
        queue_items: int,
        batch_weight: int = sys.maxsize,
        queue_weight: int = sys.maxsize,
    ) -> None:
        self._work = work
        self._batch_items = batch_items
        self._batch_weight = batch_weight
        self._queue_items = queue_items
        self._queue_weight = queue_weight
        self._queue: deque[tuple[Item, int, asyncio.Future[Outcome]]] = deque()
        # The items in the queue and in flight.
        self.items = 0
        self._weight = 0
        self._has_work = asyncio.Event()
        # When each batch in flight began, the oldest first.
        self._begun: list[float] = []

    @property
    def is_full(self) -> bool:
        """True when `submit` would refuse every further item."""
        return self.items >= self._queue_items or self._weight >= self._queue_weight

    def busy_seconds(self) -> float:
        """The seconds that the oldest batch in flight has taken so far; 0 without a batch in flight."""
        return asyncio.get_running_loop().time() - self._begun[0] if self._begun else 0.0

    async def submit(self, item: Item, weight: int = 0) -> Outcome:
        """Queue `item` and return its outcome; raises QueueFull at once when the queue has no space for it."""
        if self.items >= self._queue_items or (self.items and self._weight + weight > self._queue_weight):
            raise QueueFull
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append((item, weight, future))
        self.items += 1
        self._weight += weight
        self._has_work.set()
        return await future

    async def run(self) -> None:
        """Work through the queue until cancelled; two of these work on two batches at the same time."""
        while True:
            if self._has_work.is_set():
                await asyncio.sleep(0)  # callers that have just got their outcomes go on first
            else:
                await self._has_work.wait()
            if not self._queue:  # another run has taken it
                continue
            batch = self._take()
            began_at = asyncio.get_running_loop().time()
            self._begun.append(began_at)
            outcomes: Sequence[Outcome | ServiceError]
            try:
                outcomes = await self._work([item for item, _, _ in batch])
            except ServiceError as error:
                outcomes = [error] * len(batch)
            except Exception:  # the edge: the next batch may succeed
                log.exception("batch_failed", items=len(batch))
                outcomes = [WorkFailed()] * len(batch)
            self._begun.remove(began_at)
            for (_, weight, future), outcome in zip(batch, outcomes, strict=True):
                self.items -= 1
                self._weight -= weight
                if future.done():  # its caller was cancelled
                    continue
                if isinstance(outcome, ServiceError):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _take(self) -> list[tuple[Item, int, asyncio.Future[Outcome]]]:
        batch = [self._queue.popleft()]
        weight = batch[0][1]
        while self._queue and len(batch) < self._batch_items:
            weight += self._queue[0][1]
            if weight > self._batch_weight:
                break
            batch.append(self._queue.popleft())
        if not self._queue:
            self._has_work.clear()
        return batch
