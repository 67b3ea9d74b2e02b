"""The daemon's life: listen, serve until a signal says stop, drain, end."""

import asyncio
import signal
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from fake_email.postgres.pool import open_database
from fake_email.settings import Settings
from fake_email.systemd import Notifier
from smtp_ingest.admission import Admission
from smtp_ingest.certificate import Certificate
from smtp_ingest.connection import Connection
from smtp_ingest.context import Context
from smtp_ingest.group_commit import GroupCommit
from smtp_ingest.live_sessions import LiveSessions
from smtp_ingest.memory_budget import MemoryBudget
from smtp_ingest.overload import Overload
from smtp_ingest.parsing import Parsers
from smtp_ingest.read_turns import ReadTurns
from smtp_ingest.recipients import Recipients
from smtp_ingest.session import Session

log = structlog.get_logger()

# One statement is in flight for RCPT, one for DATA and one for large messages, and two of these are staged; two more
# let a retry begin, or somebody ask after a dead one, before that is given up.
_CONNECTIONS = 7
_BACKLOG = 1_024
_STATUS_SECONDS = 5.0
# What is left to do once the last session is over.
_END_SECONDS = 10.0


def bind(settings: Settings) -> socket.socket:
    """The listening socket; raises OSError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in settings.smtp_host else socket.AF_INET
    return socket.create_server((settings.smtp_host, settings.smtp_port), family=family, backlog=_BACKLOG)


async def run(
    settings: Settings, certificate: Certificate | None, listeners: Sequence[socket.socket], notifier: Notifier
) -> None:
    """Serve until SIGTERM or SIGINT, then drain; SIGHUP has the certificate read again."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def begin_stop() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)  # the next one ends at once
        stop.set()

    def reload() -> None:
        notifier.reloading()
        if certificate is not None:
            certificate.reload()
        notifier.ready()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin_stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await serve(settings, certificate, listeners, notifier, stop)


async def serve(
    settings: Settings,
    certificate: Certificate | None,
    listeners: Sequence[socket.socket],
    notifier: Notifier,
    stop: asyncio.Event,
) -> None:
    """Take mail on `listeners` until `stop` is set; then finish what is in flight within `drain_seconds`."""
    with (
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="parser") as short,
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="long-parser") as long,
    ):
        async with open_database(settings.database_url, connections=_CONNECTIONS) as database:
            room, committer = MemoryBudget(settings.commit_queue_octets), GroupCommit(database, settings)
            sessions = LiveSessions()
            service = Context(
                settings=settings,
                certificate=certificate,
                sessions=sessions,
                admission=Admission(settings, sessions),
                room=room,
                load=Overload(committer, room),
                recipients=Recipients(database, settings),
                committer=committer,
                parsers=Parsers(short=short, long=long),
                turns=ReadTurns(),
            )
            await _serve(service, listeners, notifier, stop)
    log.info("stopped")


async def _serve(service: Context, listeners: Sequence[socket.socket], notifier: Notifier, stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        runs = (
            service.recipients.run(),
            service.committer.run(),
            service.load.run(),
            _tell(service.sessions, notifier),
        )
        helpers = [tasks.create_task(run) for run in runs]
        servers = [await _listen(service, listener) for listener in listeners]
        notifier.ready()
        await stop.wait()
        drain_seconds = service.settings.drain_seconds
        notifier.stopping(drain_seconds + _END_SECONDS)
        log.info("stopping", sessions=len(service.sessions), drain_seconds=drain_seconds)
        for server in servers:
            server.close()
        await service.sessions.drain(drain_seconds)
        for helper in helpers:
            helper.cancel()


async def _listen(service: Context, listener: socket.socket) -> asyncio.Server:
    host, port = listener.getsockname()[:2]
    server = await asyncio.get_running_loop().create_server(
        partial(Connection, service, lambda connection: Session(service, connection).converse()),
        sock=listener,
        backlog=_BACKLOG,
    )
    log.info("listening", host=host, port=port, domains=service.settings.domain)
    return server


async def _tell(sessions: LiveSessions, notifier: Notifier) -> None:
    """Until cancelled, from the loop itself, so that the manager notices a loop that is stuck."""
    while True:
        notifier.alive(f"{len(sessions)} sessions")
        await asyncio.sleep(notifier.watchdog_seconds or _STATUS_SECONDS)
