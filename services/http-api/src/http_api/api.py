"""What every call of one worker process works with."""

import msgspec
from litestar.datastructures import State

from fake_email.postgres.pool import Database
from fake_email.settings import Settings
from http_api.arrivals import Arrivals
from http_api.client import Clients
from http_api.event_stream import Streams
from http_api.lookups import Lookups
from http_api.places import Places
from http_api.searches import Searches


class Api(msgspec.Struct, frozen=True, kw_only=True):
    settings: Settings
    database: Database
    arrivals: Arrivals
    clients: Clients
    lookups: Lookups
    places: Places
    searches: Searches
    streams: Streams


def provide(state: State) -> Api:
    """The Api that the lifespan put into the state."""
    api: Api = state.api
    return api
