"""Responses that were sent twice, kept with the revision that their mailbox had then. Pure.

They are bounded in octets, for each mailbox and in total; the one that was not used for longest leaves first. Of a
response that was sent once only the revision is kept: most calls of a client that goes on in a list never come again.
"""

from collections import OrderedDict

import msgspec

from http_api.live.call_shares import WHOLE_OCTETS

MOST_OCTETS = 8 * 1_048_576
MAILBOX_ANSWERS = 4
SECONDS = 60
_QUERY_OCTETS = 1_024
# Of an answer beside its body and its query: the header, and the entries in both tables.
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


class Answer(Shown, frozen=True, kw_only=True):
    """A whole response of status 200."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class KeptAnswers:
    """The answers of one worker process; `now` is in seconds of the monotonic clock."""

    def __init__(self) -> None:
        # The one that was used last is at the end.
        self._answers: OrderedDict[Asked, Shown] = OrderedDict()
        self._of_mailbox: dict[str, list[Asked]] = {}
        self._swept_at = 0.0
        self.octets = 0

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, asked: Asked, now: float) -> Answer | None:
        """The answer that this call had within SECONDS; it is right while its mailbox has its revision."""
        answer = self._answers.get(asked)
        if not isinstance(answer, Answer) or answer.until <= now:
            return None
        self._answers.move_to_end(asked)
        return answer

    def keep(self, asked: Asked, answer: Answer, now: float) -> None:
        """Keep the second answer of a call at the same revision, unless the answer or the query is large."""
        if len(answer.body) > WHOLE_OCTETS or len(asked.query) > _QUERY_OCTETS:
            return
        before = self._answers.get(asked)
        is_second = before is not None and before.revision == answer.revision
        self._drop(asked)
        self._answers[asked] = (
            answer if is_second else Shown(address=answer.address, revision=answer.revision, until=answer.until)
        )
        self.octets += _octets(asked, self._answers[asked])
        of_mailbox = self._of_mailbox.setdefault(answer.address, [])
        of_mailbox.append(asked)
        if len(of_mailbox) > MAILBOX_ANSWERS:
            self._drop(of_mailbox[0])
        while self.octets > MOST_OCTETS:
            self._drop(next(iter(self._answers)))
        if now - self._swept_at >= SECONDS:
            self._swept_at = now
            for each in [each for each, old in self._answers.items() if old.until <= now]:
                self._drop(each)

    def _drop(self, asked: Asked) -> None:
        answer = self._answers.pop(asked, None)
        if answer is None:
            return
        self.octets -= _octets(asked, answer)
        of_mailbox = self._of_mailbox[answer.address]
        of_mailbox.remove(asked)
        if not of_mailbox:
            del self._of_mailbox[answer.address]


def _octets(asked: Asked, shown: Shown) -> int:
    return len(asked.query) + (len(shown.body) if isinstance(shown, Answer) else 0) + _OTHER_OCTETS
