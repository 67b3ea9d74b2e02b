"""The metrics of a worker process of http-api, and where each is read; the parent process adds the workers up."""

from collections.abc import Sequence
from typing import get_args

import msgspec

from fake_email.metrics.numbers import Metric, counters, gauge, histogram
from http_api.calls.context import SharedContext
from http_api.edge.edge_counts import EdgeCounts
from http_api.edge.rate_limits import LimitName
from http_api.live.fair_shares import Resource
from http_api.live.stream_slots import StreamLimit
from http_api.live.streams import DELIVERY_BOUNDS


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """The objects of a worker process that count."""

    context: SharedContext
    edge: EdgeCounts


_LIMITS = (*get_args(LimitName), *get_args(StreamLimit))
_STATUSES: Sequence[int] = range(1, 6)

METRICS: tuple[Metric[Worker], ...] = (
    Metric(
        name="http_api_responses",
        kind="counter",
        text="Responses by the class of their status.",
        read=lambda worker: [float(worker.edge.responses[status]) for status in _STATUSES],
        labels=("status",),
        series=tuple((f"{status}xx",) for status in _STATUSES),
    ),
    counters(
        "http_api_limits_reached",
        "Calls that were refused since a client was past a limit; `limit` is the setting in lower case.",
        lambda worker: worker.edge.refused + worker.context.stream_slots.refused,
        label="limit",
        values=_LIMITS,
    ),
    counters(
        "http_api_overloaded",
        "Calls that got no share of a resource in time.",
        lambda worker: worker.context.shares.refused(),
        label="resource",
        values=get_args(Resource),
    ),
    gauge("http_api_streams", "Open streams.", lambda worker: len(worker.context.streams)),
    gauge(
        "http_api_waiting_calls",
        "Calls that wait for mail.",
        lambda worker: max(worker.context.stream_slots.taken - len(worker.context.streams), 0),
    ),
    gauge("http_api_calls_in_progress", "Calls in progress.", lambda worker: worker.context.shares.calls.units_held),
    gauge(
        "http_api_calls_queued",
        "Calls that wait for their client's turn to be in progress.",
        lambda worker: worker.context.shares.calls.waiting,
    ),
    histogram(
        "http_api_stored_to_event_seconds",
        "Seconds from the statement that stores a message to its event on an open stream.",
        lambda worker: worker.context.streams.delivery_seconds,
        bounds=DELIVERY_BOUNDS,
    ),
    gauge(
        "http_api_database_away",
        "1 while the database answers no caller.",
        lambda worker: worker.context.database.is_away,
        merge="max",
    ),
    gauge(
        "http_api_listening_lost",
        "1 while a process hears of no new mail.",
        lambda worker: not worker.context.waiters.is_listening,
        merge="max",
    ),
    gauge(
        "http_api_database_connections_in_use",
        "Database connections at work.",
        lambda worker: worker.context.database.connections_in_use,
    ),
    gauge(
        "http_api_notify_queue_ratio",
        "The share of Postgres's queue of notifications that is full, 0 to 1.",
        lambda worker: worker.context.backlog.last.notify_queue,
        merge="max",
    ),
    gauge(
        "http_api_purge_lag_seconds",
        "Seconds since the end of the oldest expired mailbox that is not deleted yet.",
        lambda worker: worker.context.backlog.last.purge_lag_seconds,
        merge="max",
    ),
)
