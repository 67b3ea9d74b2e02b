"""The daemon's life: listen, serve until a signal says stop, drain, end."""

import asyncio
import signal
import socket
from functools import partial

import structlog

from fake_email.database import open_database
from fake_email.settings import Settings
from smtp_ingest.commit import Committer
from smtp_ingest.protocol import Service, Session
from smtp_ingest.recipients import Recipients
from smtp_ingest.sessions import Sessions

log = structlog.get_logger()

# One statement is in flight for RCPT and one for DATA; two more let a retry begin before a dead one is given up.
_CONNECTIONS = 4
_BACKLOG = 1_024


def bind(settings: Settings) -> socket.socket:
    """The listening socket; raises OSError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in settings.smtp_host else socket.AF_INET
    return socket.create_server((settings.smtp_host, settings.smtp_port), family=family, backlog=_BACKLOG)


async def run(settings: Settings, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, listener, stop)


async def serve(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    """Take mail on `listener` until `stop` is set; then finish what is in flight within `drain_seconds`."""
    async with open_database(settings.database_url, connections=_CONNECTIONS) as database, asyncio.TaskGroup() as tasks:
        recipients = Recipients(database, settings)
        committer = Committer(database, settings)
        helpers = [tasks.create_task(recipients.run()), tasks.create_task(committer.run())]
        sessions = Sessions()
        service = Service(settings=settings, recipients=recipients, committer=committer, sessions=sessions)
        server = await asyncio.get_running_loop().create_server(
            partial(Session, service), sock=listener, backlog=_BACKLOG
        )
        host, port = listener.getsockname()[:2]
        log.info("listening", host=host, port=port, domains=settings.domain)
        await stop.wait()
        log.info("stopping", sessions=len(sessions), drain_seconds=settings.drain_seconds)
        server.close()
        await sessions.drain(settings.drain_seconds)
        for helper in helpers:
            helper.cancel()
    log.info("stopped")
