"""The log of web pages that may not call the API, since the operator has not listed their origin."""

import time

import structlog

from fake_email.once_a_minute import OnceAMinute
from http_api.protocol import origins
from http_api.protocol.client_address import Client

log = structlog.get_logger()


class OriginLog:
    """Logs a refused origin once a minute; any page could fill the log otherwise."""

    def __init__(self) -> None:
        self._once = OnceAMinute()

    def refused(self, origin: bytes, client: Client) -> None:
        """Log the origin, unless another one was logged less than a minute ago."""
        if self._once.is_due(time.monotonic()):
            log.warning(
                "origin_refused",
                origin=origins.shown(origin.decode("latin-1")),
                client=client.address,
                setting="CORS_ALLOWED_ORIGINS",
            )
