"""What every call of one worker process works with."""

import msgspec
from litestar.datastructures import State

from fake_email.database import Database
from fake_email.settings import Settings
from http_api.arrivals import Arrivals
from http_api.event_stream import Streams


class Api(msgspec.Struct, frozen=True, kw_only=True):
    settings: Settings
    database: Database
    arrivals: Arrivals
    streams: Streams


def provide(state: State) -> Api:
    """The Api that the lifespan put into the state."""
    api: Api = state.api
    return api
