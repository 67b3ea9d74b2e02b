"""The metrics of smtp-ingest, and where each is read."""

from typing import get_args

from fake_email.authentication import NotChecked
from fake_email.metrics.numbers import Metric, counter, counters, gauge, histogram
from smtp_ingest.content import Fault
from smtp_ingest.context import Context
from smtp_ingest.counts import ERRORS, REPLIES, Stage
from smtp_ingest.group_commit import MESSAGE_BOUNDS, SECONDS_BOUNDS
from smtp_ingest.overload import Reason
from smtp_ingest.session_limits import Limit

METRICS: tuple[Metric[Context], ...] = (
    Metric(
        name="smtp_ingest_replies",
        kind="counter",
        text="Replies to MAIL, RCPT and content: 2xx accepted, 4xx deferred, 5xx refused. 250 at commit: a message.",
        read=lambda context: [
            float(context.counts.replies[stage][reply]) for stage in get_args(Stage) for reply in REPLIES
        ],
        labels=("stage", "reply"),
        series=tuple((stage, reply) for stage in get_args(Stage) for reply in REPLIES),
    ),
    counter("smtp_ingest_stored_bytes", "Bytes of the messages that earned a 250.", lambda it: it.counts.stored_octets),
    counters(
        "smtp_ingest_limits_reached",
        "Times that a client was past a limit; `limit` is the setting in lower case.",
        lambda context: context.counts.limits,
        label="limit",
        values=get_args(Limit),
    ),
    counters(
        "smtp_ingest_faults",
        "Messages that were not taken for a fault of their content or their size.",
        lambda context: context.counts.faults,
        label="fault",
        values=get_args(Fault),
    ),
    counters(
        "smtp_ingest_overload",
        "MAIL commands that were deferred since the service is overloaded.",
        lambda context: context.counts.overload,
        label="reason",
        values=get_args(Reason),
    ),
    counters(
        "smtp_ingest_errors",
        "Commands that were deferred for an error; `unexpected` is a bug.",
        lambda context: context.counts.errors,
        label="error",
        values=ERRORS,
    ),
    gauge("smtp_ingest_sessions", "Open sessions.", lambda context: len(context.sessions)),
    gauge(
        "smtp_ingest_memory_bytes",
        "Memory that is reserved for the content of messages on their way.",
        lambda context: context.memory.reserved,
    ),
    gauge(
        "smtp_ingest_commit_waiting",
        "Messages that wait for their commit.",
        lambda context: context.group_commit.waiting,
    ),
    histogram(
        "smtp_ingest_commit_seconds",
        "Seconds of each transaction that stores messages.",
        lambda context: context.group_commit.seconds,
        bounds=SECONDS_BOUNDS,
    ),
    histogram(
        "smtp_ingest_commit_messages",
        "Messages of each transaction that stores messages.",
        lambda context: context.group_commit.messages,
        bounds=MESSAGE_BOUNDS,
    ),
    gauge(
        "smtp_ingest_loop_lag_seconds",
        "Seconds by which the event loop was late at its last tick.",
        lambda context: context.overload.lag_seconds,
    ),
    gauge(
        "smtp_ingest_database_away",
        "1 while the database answers no caller.",
        lambda context: context.database.is_away,
    ),
    gauge(
        "smtp_ingest_database_connections_in_use",
        "Database connections at work.",
        lambda context: context.database.connections_in_use,
    ),
    counters(
        "smtp_ingest_checks",
        "Messages by the end of the check of their sender: `checked`, or why they were not.",
        lambda context: context.checks.counts,
        label="result",
        values=("checked", *get_args(NotChecked)),
    ),
    gauge("smtp_ingest_checks_pending", "Checks that have not ended.", lambda context: context.checks.pending),
    gauge(
        "smtp_ingest_attempts_waiting",
        "Attempts that wait to be written to the timelines of their mailboxes.",
        lambda context: context.attempt_log.waiting,
    ),
    counter(
        "smtp_ingest_attempts_dropped",
        "Attempts that are missing in the timelines, since too many waited.",
        lambda context: context.attempt_log.dropped,
    ),
)
