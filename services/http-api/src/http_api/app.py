"""The application: the calls, the objects that they share, and the start and stop of both."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import FrameType

import structlog
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp

from fake_email.metrics.numbers import read_all
from fake_email.postgres import notifications
from fake_email.postgres.pool import open_database
from fake_email.settings import Settings
from fake_email.storage import purge
from http_api.calls import (
    attachment,
    create_address,
    domains,
    health,
    inbox,
    message,
    message_html,
    messages,
    poll,
    source,
    status,
    stream,
    take,
    tickets,
    timeline,
    version,
    wait,
)
from http_api.calls.context import SharedContext, provide_context, shared_context
from http_api.calls.options import options_of
from http_api.edge.edge_counts import EdgeCounts
from http_api.live.backlog_watch import BacklogWatch
from http_api.live.detach import detaching
from http_api.live.expiry_watch import ExpiryWatch
from http_api.live.kept_responses import KeptResponses
from http_api.live.mailbox_lookups import MailboxLookups
from http_api.live.message_count import MessageCount
from http_api.live.repeated_response import repeating
from http_api.live.shares import CONNECTIONS, Shares
from http_api.live.stream_slots import StreamSlots
from http_api.live.streams import Streams
from http_api.live.waiters import Waiters
from http_api.metrics import METRICS, Worker
from http_api.openapi import document
from http_api.openapi.document import Document
from http_api.protocol import error_handlers, known_parameters
from http_api.protocol.parameters import provide_token
from http_api.protocol.request import AnyRequest
from http_api.serving.granian_socket import STOP_SIGNALS, GranianSocket
from http_api.serving.watchdog import Watchdog
from http_api.serving.worker_numbers import WorkerNumbers

log = structlog.get_logger()

_MODULES = (
    health,
    version,
    status,
    domains,
    create_address,
    inbox,
    timeline,
    messages,
    poll,
    stream,
    wait,
    take,
    tickets,
    message,
    message_html,
    source,
    attachment,
)
_CALLS = [each for module in _MODULES for each in vars(module).values() if isinstance(each, HTTPRouteHandler)]
# As the first fake-email did, these ignore parameters that they do not know.
_LENIENT = [health.health, poll.poll]
for _call in _CALLS:
    # Not of a Router, which would shuffle the calls from start to start.
    _call.before_request = None if _call in _LENIENT else known_parameters.check_names
_MAX_BODY_OCTETS = 16_384


def create_app(
    settings: Settings, http_socket: GranianSocket, watchdog: Watchdog, numbers: WorkerNumbers, edge: EdgeCounts
) -> ASGIApp:
    """The ASGI application of one worker process."""
    shares = Shares()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        waiters = Waiters()
        _prepare_stop(http_socket, waiters)  # first: a signal may have come already
        try:
            async with (
                open_database(settings.database_url, connections=CONNECTIONS) as database,
                asyncio.TaskGroup() as tasks,
            ):
                stream_slots = StreamSlots(settings)
                streams = Streams(
                    database, waiters, stream_slots, shares, tasks, stall_seconds=settings.http_stall_seconds
                )
                mailbox_lookups, message_count = MailboxLookups(database), MessageCount(database)
                backlog = BacklogWatch()
                app.state.context = context = SharedContext(
                    settings=settings,
                    database=database,
                    waiters=waiters,
                    mailbox_lookups=mailbox_lookups,
                    message_count=message_count,
                    shares=shares,
                    stream_slots=stream_slots,
                    streams=streams,
                    backlog=backlog,
                )
                runs = (
                    streams.keep_open(),
                    ExpiryWatch(database, waiters).run(),
                    notifications.listen(settings.database_url, waiters),
                    watchdog.run_worker(streams),
                    mailbox_lookups.run(),
                    message_count.run(),
                    purge.run(database),
                    *([backlog.run(database)] if numbers.are_wanted else []),
                    numbers.run_worker(partial(read_all, METRICS, Worker(context=context, edge=edge))),
                )
                helpers = [tasks.create_task(run) for run in runs]
                yield
                for helper in helpers:
                    helper.cancel()
        except* Exception:
            # Granian would go on without the task that failed: the service ends, and its manager starts it again.
            log.exception("service_failed")
            signal.raise_signal(signal.SIGTERM)
        finally:
            shares.stop()

    litestar = create_litestar(lifespan)
    repeated = repeating(litestar, KeptResponses(), lambda: shared_context(litestar.state).mailbox_lookups)
    return detaching(repeated, shares)


def create_litestar(*lifespan: Callable[[Litestar], AbstractAsyncContextManager[None]]) -> Litestar:
    """The calls and the objects that they share; without a lifespan they can be described, but not served."""
    return Litestar(
        route_handlers=[options_of(_CALLS), *_CALLS],
        dependencies={
            "context": Provide(provide_context, sync_to_thread=False),
            "token_sha256": Provide(provide_token, sync_to_thread=False),
        },
        lifespan=lifespan,
        exception_handlers=error_handlers.HANDLERS,
        openapi_config=OpenAPIConfig(
            title="fake-email",
            version="1",
            use_handler_docstrings=True,
            openapi_router=Router(
                "/api/openapi.json", route_handlers=[], include_in_schema=False, before_request=_refuse_below
            ),
            render_plugins=[Document()],
            description=document.DESCRIPTION,
            components=document.COMPONENTS,
            security=document.OPTIONAL_TOKEN,
        ),
        request_max_body_size=_MAX_BODY_OCTETS,
        logging_config=None,
    )


async def _refuse_below(request: AnyRequest) -> None:
    """Respond with our own 404 to paths below the document, for which Litestar has an HTML page."""
    if request.path_params:
        raise NotFoundException


def _prepare_stop(http_socket: GranianSocket, waiters: Waiters) -> None:
    """On a stop signal: read what every accepted connection sent, then end open responses, before Granian stops.

    Granian would close connections that it has not read, and wait for open responses. This handler, of the signal
    module, runs before Granian's, which is the event loop's.
    """
    loop = asyncio.get_running_loop()

    def stop(_number: int, _frame: FrameType | None) -> None:
        http_socket.stop_accepting()
        loop.call_soon_threadsafe(waiters.stop)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)  # a signal may wait since the fork
