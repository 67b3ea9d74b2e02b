"""Responses that were sent twice, kept with the revision that their mailbox had then. Pure.

They are bounded in number for each mailbox, and in octets in total; the least recently used one is dropped first. Of a
response that was sent once, only the revision is kept: most calls of a client that pages through a list never repeat.
"""

from collections import OrderedDict

import msgspec

from http_api.live.call_shares import WHOLE_OCTETS

MOST_OCTETS = 8 * 1_048_576
MAILBOX_RESPONSES = 4
SECONDS = 60
_QUERY_OCTETS = 1_024
# Of a response beside its body and its query: the header, and the entries in both tables.
_OTHER_OCTETS = 1_024


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The path and the query of a call as the client wrote them, and the hash of the call's token."""

    path: str
    query: bytes
    token_sha256: bytes | None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The mailbox and the revision that a response shows, and until when it may be sent."""

    address: str
    revision: str
    until: float


class KeptResponse(Shown, frozen=True, kw_only=True):
    """A whole response of status 200."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class KeptResponses:
    """The responses of one worker process; `now` is in seconds of the monotonic clock."""

    def __init__(self) -> None:
        # The one that was used last is at the end.
        self._responses: OrderedDict[Asked, Shown] = OrderedDict()
        self._of_mailbox: dict[str, list[Asked]] = {}
        self._swept_at = 0.0
        self.octets = 0

    def __len__(self) -> int:
        return len(self._responses)

    def find(self, asked: Asked, now: float) -> KeptResponse | None:
        """The response that this call had within SECONDS; it is right while its mailbox has its revision."""
        response = self._responses.get(asked)
        if not isinstance(response, KeptResponse) or response.until <= now:
            return None
        self._responses.move_to_end(asked)
        return response

    def keep(self, asked: Asked, response: KeptResponse, now: float) -> None:
        """Keep the second response of a call at the same revision, unless the response or the query is large."""
        if len(response.body) > WHOLE_OCTETS or len(asked.query) > _QUERY_OCTETS:
            return
        before = self._responses.get(asked)
        is_second = before is not None and before.revision == response.revision
        self._drop(asked)
        self._responses[asked] = (
            response if is_second else Shown(address=response.address, revision=response.revision, until=response.until)
        )
        self.octets += _octets(asked, self._responses[asked])
        of_mailbox = self._of_mailbox.setdefault(response.address, [])
        of_mailbox.append(asked)
        if len(of_mailbox) > MAILBOX_RESPONSES:
            self._drop(of_mailbox[0])
        while self.octets > MOST_OCTETS:
            self._drop(next(iter(self._responses)))
        if now - self._swept_at >= SECONDS:
            self._swept_at = now
            for each in [each for each, old in self._responses.items() if old.until <= now]:
                self._drop(each)

    def _drop(self, asked: Asked) -> None:
        response = self._responses.pop(asked, None)
        if response is None:
            return
        self.octets -= _octets(asked, response)
        of_mailbox = self._of_mailbox[response.address]
        of_mailbox.remove(asked)
        if not of_mailbox:
            del self._of_mailbox[response.address]


def _octets(asked: Asked, shown: Shown) -> int:
    return len(asked.query) + (len(shown.body) if isinstance(shown, KeptResponse) else 0) + _OTHER_OCTETS
