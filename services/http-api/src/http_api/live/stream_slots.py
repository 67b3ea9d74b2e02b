"""The number of open streams and waiting calls, limited for each client, for each mailbox and in all."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import structlog

from fake_email.settings import Settings
from http_api.protocol.client_address import Client, is_loopback
from http_api.protocol.errors import TooManyStreams

# Each limit has the name of its setting.
StreamLimit = Literal["http_max_streams", "http_max_mailbox_streams", "http_max_client_streams"]

log = structlog.get_logger()


class StreamSlots:
    """The slots of one worker process; an exempt client and one on this host are limited by mailbox and in all."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._taken = 0
        self._by_client: Counter[int] = Counter()
        self._by_mailbox: Counter[int] = Counter()
        # Limits that were logged as reached, and since then had no slot released.
        self._logged: set[tuple[StreamLimit, int]] = set()
        self.refused: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """The number of open streams and waiting calls."""
        return self._taken

    @contextmanager
    def slot(self, client: Client, mailbox_id: int) -> Iterator[None]:
        """A slot during the block; raises TooManyStreams."""
        self.take(client, (mailbox_id,))
        try:
            yield
        finally:
            self.release(client, (mailbox_id,))

    def take(self, client: Client, mailbox_ids: Sequence[int]) -> None:
        """Take a slot, of one stream at all of these mailboxes, until `release`.

        Raises TooManyStreams when a limit is reached, and then takes none.
        """
        settings = self._settings
        if self._taken >= settings.http_max_streams:
            raise self._refusal("http_max_streams", 0, client)
        for mailbox_id in mailbox_ids:
            if self._by_mailbox[mailbox_id] >= settings.http_max_mailbox_streams:
                raise self._refusal("http_max_mailbox_streams", mailbox_id, client)
        if not _is_exempt(client):
            if self._by_client[client.network] >= settings.http_max_client_streams:
                raise self._refusal("http_max_client_streams", client.network, client)
            self._by_client[client.network] += 1
        self._by_mailbox.update(mailbox_ids)
        self._taken += 1

    def release(self, client: Client, mailbox_ids: Sequence[int]) -> None:
        self._taken -= 1
        self._logged.discard(("http_max_streams", 0))
        for mailbox_id in mailbox_ids:
            self._decrement(self._by_mailbox, "http_max_mailbox_streams", mailbox_id)
        if not _is_exempt(client):
            self._decrement(self._by_client, "http_max_client_streams", client.network)

    def _decrement(self, counter: Counter[int], limit: StreamLimit, key: int) -> None:
        self._logged.discard((limit, key))
        counter[key] -= 1
        if counter[key] <= 0:
            del counter[key]

    def _refusal(self, limit: StreamLimit, key: int, client: Client) -> TooManyStreams:
        self.refused[limit] += 1
        if (limit, key) not in self._logged:
            self._logged.add((limit, key))
            log.warning("limit_reached", limit=limit, client=client.address)
        return TooManyStreams()


def _is_exempt(client: Client) -> bool:
    return client.is_exempt or is_loopback(client)
