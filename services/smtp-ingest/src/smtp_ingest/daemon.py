"""The daemon: listens, serves until a signal tells it to stop, drains its sessions, ends."""

import asyncio
import signal
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec
import structlog

from fake_email.metrics import server as metrics_server
from fake_email.metrics.numbers import read_all
from fake_email.postgres.pool import Database, open_database
from fake_email.settings import Settings
from fake_email.systemd import Notifier
from smtp_ingest import parsing
from smtp_ingest.attempt_log import AttemptLog
from smtp_ingest.authentication.checks import Checks
from smtp_ingest.blocked_senders import BlockedSenders
from smtp_ingest.connection import Connection
from smtp_ingest.context import Context
from smtp_ingest.counts import Counts
from smtp_ingest.group_commit import GroupCommit
from smtp_ingest.live_sessions import LiveSessions
from smtp_ingest.memory_budget import MemoryBudget
from smtp_ingest.metrics import METRICS
from smtp_ingest.overload import Overload
from smtp_ingest.parsing import ParserThreads
from smtp_ingest.read_turns import ReadTurns
from smtp_ingest.recipients import Recipients
from smtp_ingest.session import Session
from smtp_ingest.starttls import Certificate
from smtp_ingest.storage_limits import StorageLimits

log = structlog.get_logger()

# RCPT and DATA have one statement in flight each, large messages two, and two more of these are staged meanwhile. Two
# further connections let a retry begin, or a probe run, before a dead connection is given up.
_CONNECTIONS = 8
BACKLOG = 1_024
_STATUS_SECONDS = 5.0
# The time to end after the last session.
_END_SECONDS = 10.0


class Sockets(msgspec.Struct, frozen=True, kw_only=True):
    """The listening sockets: those for mail, and the one for metrics, if these are wanted."""

    smtp: Sequence[socket.socket]
    metrics: socket.socket | None


async def run(settings: Settings, certificate: Certificate | None, sockets: Sockets, notifier: Notifier) -> None:
    """Serve until SIGTERM or SIGINT, then drain; SIGHUP reloads the certificate."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def begin_stop() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)  # A second signal ends the daemon at once.
        stop.set()

    def reload() -> None:
        notifier.reloading()
        if certificate is not None:
            certificate.reload()
        notifier.ready()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin_stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await serve(settings, certificate, sockets, notifier, stop)


async def serve(
    settings: Settings,
    certificate: Certificate | None,
    sockets: Sockets,
    notifier: Notifier,
    stop: asyncio.Event,
) -> None:
    """Accept mail on `sockets` until `stop` is set; then finish transactions in flight within `drain_seconds`."""
    with (
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="parser") as short,
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="long-parser") as long,
    ):
        async with open_database(settings.database_url, connections=_CONNECTIONS) as database:
            memory, group_commit = MemoryBudget(settings.commit_queue_octets), GroupCommit(database, settings)
            context = Context(
                settings=settings,
                certificate=certificate,
                database=database,
                counts=Counts(),
                sessions=LiveSessions(settings),
                memory=memory,
                overload=Overload(group_commit, memory),
                recipients=Recipients(database, settings),
                blocked_senders=BlockedSenders(),
                group_commit=group_commit,
                storage_limits=StorageLimits(database, settings),
                attempt_log=AttemptLog(),
                checks=Checks(settings),
                parser_threads=ParserThreads(short=short, long=long),
                read_turns=ReadTurns(),
            )
            if sockets.metrics is not None:
                metrics_server.start("smtp-ingest", sockets.metrics, METRICS, partial(read_all, METRICS, context))
            await _serve(context, database, sockets.smtp, notifier, stop)
    log.info("stopped")


async def _serve(
    context: Context, database: Database, sockets: Sequence[socket.socket], notifier: Notifier, stop: asyncio.Event
) -> None:
    async with asyncio.TaskGroup() as tasks:
        runs = (
            context.recipients.run(),
            context.group_commit.run(),
            context.overload.run(),
            context.storage_limits.run(),
            context.attempt_log.run(database),
            context.blocked_senders.run(database),
            context.checks.run(database),
            parsing.prepare(context.parser_threads),
            _report_alive(context.sessions, notifier),
        )
        helpers = [tasks.create_task(run) for run in runs]
        servers = [await _listen(context, each) for each in sockets]
        notifier.ready()
        await stop.wait()
        drain_seconds = context.settings.drain_seconds
        notifier.stopping(drain_seconds + _END_SECONDS)
        log.info("stopping", sessions=len(context.sessions), drain_seconds=drain_seconds)
        for server in servers:
            server.close()
        await context.sessions.drain(drain_seconds)
        await context.attempt_log.written()
        await context.checks.ended()
        for helper in helpers:
            helper.cancel()


async def _listen(context: Context, listening: socket.socket) -> asyncio.Server:
    host, port = listening.getsockname()[:2]
    server = await asyncio.get_running_loop().create_server(
        partial(Connection, context, partial(Session, context)),
        sock=listening,
        backlog=BACKLOG,
    )
    log.info("listening", host=host, port=port, domains=context.settings.domain)
    return server


async def _report_alive(sessions: LiveSessions, notifier: Notifier) -> None:
    """Notify the service manager from the event loop, so that the manager notices a stuck loop, until cancelled."""
    while True:
        notifier.alive(f"{len(sessions)} sessions")
        await asyncio.sleep(notifier.watchdog_seconds or _STATUS_SECONDS)
