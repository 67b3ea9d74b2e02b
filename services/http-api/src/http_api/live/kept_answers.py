"""Responses that were sent before, kept with the revision that their mailbox had then. Pure.

They are bounded in octets, for each mailbox and in total; the one that was not used for longest leaves first.
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


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole response of status 200, and the mailbox and the revision that it shows."""

    address: str
    revision: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    until: float


class KeptAnswers:
    """The answers of one worker process; `now` is in seconds of the monotonic clock."""

    def __init__(self) -> None:
        # The one that was used last is at the end.
        self._answers: OrderedDict[Asked, Answer] = OrderedDict()
        self._of_mailbox: dict[str, list[Asked]] = {}
        self._swept_at = 0.0
        self.octets = 0

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, asked: Asked, now: float) -> Answer | None:
        """The answer that this call had within SECONDS; it is right while its mailbox has its revision."""
        answer = self._answers.get(asked)
        if answer is None or answer.until <= now:
            return None
        self._answers.move_to_end(asked)
        return answer

    def keep(self, asked: Asked, answer: Answer, now: float) -> None:
        """Keep an answer in place of the call's last one, unless the answer or the query is large."""
        if len(answer.body) > WHOLE_OCTETS or len(asked.query) > _QUERY_OCTETS:
            return
        self._drop(asked)
        self._answers[asked] = answer
        self.octets += _octets(asked, answer)
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


def _octets(asked: Asked, answer: Answer) -> int:
    return len(asked.query) + len(answer.body) + _OTHER_OCTETS
