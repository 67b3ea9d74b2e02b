"""The application: the calls, what they share, and the life of both."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import FrameType

import structlog
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp

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
    poll,
    source,
    stream,
    wait,
)
from http_api.calls.context import Api, provide
from http_api.calls.options import options_of
from http_api.live.event_stream import Streams, outliving
from http_api.live.expiry_watch import ExpiryWatch
from http_api.live.mailbox_lookups import MailboxLookups
from http_api.live.search_threads import SearchThreads
from http_api.live.stream_slots import StreamSlots
from http_api.live.waiters import Waiters
from http_api.openapi import document
from http_api.openapi.document import Document
from http_api.protocol import problems
from http_api.protocol.client_address import ClientAddresses
from http_api.protocol.parameters import provide_token
from http_api.protocol.problems import AnyRequest
from http_api.serving.granian_socket import STOPS, GranianSocket
from http_api.serving.watchdog import Watchdog

log = structlog.get_logger()

_MODULES = (health, domains, create_address, inbox, poll, stream, wait, message, message_html, source, attachment)
_CALLS = [each for module in _MODULES for each in vars(module).values() if isinstance(each, HTTPRouteHandler)]
_CONNECTIONS = 8
_MAX_BODY_OCTETS = 16_384


def create_app(settings: Settings, listener: GranianSocket, watchdog: Watchdog) -> ASGIApp:
    """The ASGI application of one worker process."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        waiters = Waiters()
        search_threads = SearchThreads()
        _prepare_stop(listener, waiters)  # first: one may have come already
        try:
            async with (
                open_database(settings.database_url, connections=_CONNECTIONS) as database,
                asyncio.TaskGroup() as tasks,
            ):
                stream_slots = StreamSlots(settings)
                streams = Streams(database, waiters, stream_slots, tasks, stall_seconds=settings.http_stall_seconds)
                mailbox_lookups = MailboxLookups(database)
                runs = (
                    streams.beat(),
                    ExpiryWatch(database, waiters).watch(),
                    _listen(settings, waiters),
                    watchdog.tell(streams),
                    mailbox_lookups.run(),
                    purge.run(database),
                )
                helpers = [tasks.create_task(run) for run in runs]
                app.state.api = Api(
                    settings=settings,
                    database=database,
                    waiters=waiters,
                    clients=ClientAddresses(settings.trusted_proxies),
                    mailbox_lookups=mailbox_lookups,
                    stream_slots=stream_slots,
                    search_threads=search_threads,
                    streams=streams,
                )
                yield
                for helper in helpers:
                    helper.cancel()
        except* Exception:
            # Granian would go on without what failed here: better to end, and be started again.
            log.exception("service_failed")
            signal.raise_signal(signal.SIGTERM)
        finally:
            search_threads.end()

    return outliving(create_litestar(lifespan))


def create_litestar(*lifespan: Callable[[Litestar], AbstractAsyncContextManager[None]]) -> Litestar:
    """Return the calls and what they share; without a lifespan they can be described, but not answered."""
    return Litestar(
        route_handlers=[options_of(_CALLS), *_CALLS],
        dependencies={
            "api": Provide(provide, sync_to_thread=False),
            "token_sha256": Provide(provide_token, sync_to_thread=False),
        },
        lifespan=lifespan,
        exception_handlers=problems.HANDLERS,
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
    """Below the document Litestar has a page of its own, in HTML, to say that there is nothing."""
    if request.path_params:
        raise NotFoundException


async def _listen(settings: Settings, waiters: Waiters) -> None:
    await notifications.listen(
        settings.database_url,
        connected=waiters.look,
        grown=waiters.grown,
        gone=waiters.gone,
        deleted=waiters.deleted,
        lost=waiters.lost,
    )


def _prepare_stop(listener: GranianSocket, waiters: Waiters) -> None:
    """On signals: Granian closes what it has not read and waits for open responses, so all is read and they end first.

    A handler of the signal module runs before the event loop's own, which is Granian's and goes on to stop.
    """
    loop = asyncio.get_running_loop()

    def end(_number: int, _frame: FrameType | None) -> None:
        listener.leave()
        loop.call_soon_threadsafe(waiters.end)

    for number in STOPS:
        signal.signal(number, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)  # one may wait since before
