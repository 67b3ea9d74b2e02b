"""The objects that all calls of a worker process share."""

import msgspec
from litestar.datastructures import State

from fake_email.postgres.pool import Database
from fake_email.settings import Settings
from http_api.live.mailbox_lookups import MailboxLookups
from http_api.live.search_threads import SearchThreads
from http_api.live.stream_slots import StreamSlots
from http_api.live.streams import Streams
from http_api.live.waiters import Waiters
from http_api.protocol.client_address import ClientAddresses


class Context(msgspec.Struct, frozen=True, kw_only=True):
    settings: Settings
    database: Database
    waiters: Waiters
    client_addresses: ClientAddresses
    mailbox_lookups: MailboxLookups
    stream_slots: StreamSlots
    search_threads: SearchThreads
    streams: Streams


def provide_context(state: State) -> Context:
    """The context, which the lifespan put into the state."""
    context: Context = state.context
    return context
