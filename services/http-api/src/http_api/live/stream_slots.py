"""Who holds how many answers open: streams and calls that wait, counted for each client and each mailbox."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from fake_email.settings import Settings
from http_api.protocol.client_address import Client
from http_api.protocol.problems import TooManyStreams

log = structlog.get_logger()


class StreamSlots:
    """The places of one worker process; a client that is this host itself has any number of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._taken = 0
        self._by_client: Counter[int] = Counter()
        self._by_mailbox: Counter[int] = Counter()
        # Of what it was said already that there are no more; until one is free again it is not said anew.
        self._told: set[tuple[str, int]] = set()

    @contextmanager
    def take(self, client: Client, mailbox_id: int) -> Iterator[None]:
        """A place during the block; raises TooManyStreams."""
        self.enter(client, mailbox_id)
        try:
            yield
        finally:
            self.leave(client, mailbox_id)

    def enter(self, client: Client, mailbox_id: int) -> None:
        """Take a place, to be given back by `leave`; raises TooManyStreams, and then none is taken."""
        settings = self._settings
        if self._taken >= settings.http_max_streams:
            raise self._refusal("http_max_streams", 0, client)
        if self._by_mailbox[mailbox_id] >= settings.http_max_mailbox_streams:
            raise self._refusal("http_max_mailbox_streams", mailbox_id, client)
        if not _is_this_host(client):
            if self._by_client[client.network] >= settings.http_max_client_streams:
                raise self._refusal("http_max_client_streams", client.network, client)
            self._by_client[client.network] += 1
        self._by_mailbox[mailbox_id] += 1
        self._taken += 1

    def leave(self, client: Client, mailbox_id: int) -> None:
        """Give a place back."""
        self._taken -= 1
        self._told.discard(("http_max_streams", 0))
        self._less(self._by_mailbox, "http_max_mailbox_streams", mailbox_id)
        if not _is_this_host(client):
            self._less(self._by_client, "http_max_client_streams", client.network)

    def _less(self, counter: Counter[int], limit: str, key: int) -> None:
        self._told.discard((limit, key))
        counter[key] -= 1
        if counter[key] <= 0:
            del counter[key]

    def _refusal(self, limit: str, key: int, client: Client) -> TooManyStreams:
        if (limit, key) not in self._told:
            self._told.add((limit, key))
            log.warning("limit_reached", limit=limit, client=client.address)
        return TooManyStreams()


def _is_this_host(client: Client) -> bool:
    return client.address == "::1" or client.address.startswith("127.")
