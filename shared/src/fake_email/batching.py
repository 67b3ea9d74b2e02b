"""One piece of work in flight at a time; what is asked for meanwhile goes together in the next.

No timer: a lone item is worked on at once, and a crowd pays for one round trip.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from fake_email.errors import ServiceError

log = structlog.get_logger()

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class QueueFull(ServiceError):
    """More waits to be done than may be kept in memory."""


class WorkFailed(ServiceError):
    """A whole batch failed for a reason nobody foresaw."""


class Batcher(Generic[Item, Answer]):
    """Gathers items into batches for `work`, bounded in number and weight, and hands each its answer.

    An answer that is an exception is raised where the item was given.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | ServiceError]]],
        *,
        batch_items: int,
        batch_weight: int,
        queue_items: int,
        queue_weight: int,
    ) -> None:
        self._work = work
        self._batch_items = batch_items
        self._batch_weight = batch_weight
        self._queue_items = queue_items
        self._queue_weight = queue_weight
        self._waiting: deque[tuple[Item, int, asyncio.Future[Answer]]] = deque()
        self._items = 0
        self._weight = 0
        self._arrived = asyncio.Event()
        self._began_at: float | None = None

    @property
    def is_full(self) -> bool:
        """Whether there is room for nothing more."""
        return self._items >= self._queue_items or self._weight >= self._queue_weight

    def busy_seconds(self) -> float:
        """For how long the work in flight has been so, 0 when there is none."""
        return 0.0 if self._began_at is None else asyncio.get_running_loop().time() - self._began_at

    async def submit(self, item: Item, weight: int) -> Answer:
        """The answer to `item`; raises QueueFull at once when there is no room for it."""
        if self._items >= self._queue_items or (self._items and self._weight + weight > self._queue_weight):
            raise QueueFull
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, weight, answer))
        self._items += 1
        self._weight += weight
        self._arrived.set()
        return await answer

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(0)  # whatever else this turn of the loop brings goes with it
            batch = self._take()
            self._began_at = asyncio.get_running_loop().time()
            answers: Sequence[Answer | ServiceError]
            try:
                answers = await self._work([item for item, _, _ in batch])
            except ServiceError as error:
                answers = [error] * len(batch)
            except Exception:  # the edge: the next batch may fare better
                log.exception("batch_failed", items=len(batch))
                answers = [WorkFailed()] * len(batch)
            self._began_at = None
            for (_, weight, future), answer in zip(batch, answers, strict=True):
                self._items -= 1
                self._weight -= weight
                if future.done():  # whoever asked is gone
                    continue
                if isinstance(answer, ServiceError):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

    def _take(self) -> list[tuple[Item, int, asyncio.Future[Answer]]]:
        batch = [self._waiting.popleft()]
        weight = batch[0][1]
        while self._waiting and len(batch) < self._batch_items:
            weight += self._waiting[0][1]
            if weight > self._batch_weight:
                break
            batch.append(self._waiting.popleft())
        if not self._waiting:
            self._arrived.clear()
        return batch
