"""The errors of the client: a problem of the API, no mail in time, mail that was not expected."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Protocol

import httpx2
import msgspec

from fake_email_client.attempts import RefusedAttempt
from fake_email_client.clauses import Clauses, LinkKind, in_words
from fake_email_client.printable import printable, printable_lines
from fake_email_client.schemas import Message, NearMiss, NoMatch

# The statuses of a failure that may be over soon, also of a proxy before the API.
AGAIN = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
# In place of a clause, of a message that meets them all.
RETURNED = "returned before"
_SHOWN_CHARACTERS = 1000


class _Told:
    """A mixin of errors that another process can raise again, as a pool of processes does."""

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), str(self), vars(self))


def _again(kind: type[BaseException], text: str, state: Mapping[str, object]) -> BaseException:
    error = kind.__new__(kind, text)
    error.args = (text,)
    vars(error).update(state)
    return error


class Problem(_Told, Exception):
    """An error response of the API, or a response without its field `missing`.

    `code` never changes; the text is a sentence for people.
    """

    def __init__(self, response: httpx2.Response, *, missing: str = "") -> None:
        try:
            self.body = msgspec.json.decode(response.content, type=NoMatch)
        except msgspec.DecodeError:
            self.body = NoMatch()  # a proxy's own page
        self.status = response.status_code
        away = "unavailable" if self.status > HTTPStatus.INTERNAL_SERVER_ERROR else "unknown"
        self.code = self.body.code or away
        self.field = self.body.field
        self.headers = response.headers
        detail = self.body.detail or response.reason_phrase
        if missing:
            self.code, detail = "unknown", f"No {missing}: a proxy removed it."
        if not self.body.code and self.status not in AGAIN:
            place = response.headers.get("Location")
            detail += f" (no response of a fake-email API; is the URL right{f', or is it {place}' if place else ''}?)"
        super().__init__(f"{self.status} {self.code}: {detail}")


class NoMail(_Told, TimeoutError):
    """No message matched in time. The text says what was waited for, and what came instead.

    `refused` are attempts to deliver that failed, and earlier calls returned `returned` messages. When the API could
    not be reached at the end, `cause` is the failure of the last call.
    """

    def __init__(
        self,
        address: str,
        clauses: Clauses,
        seconds: float,
        near_misses: Sequence[NearMiss],
        refused: Sequence[RefusedAttempt] = (),
        cause: Exception | None = None,
        returned: int = 0,
        kind: LinkKind | None = None,
    ) -> None:
        self.near_misses = tuple(near_misses)
        self.refused = tuple(refused)
        self.cause = cause
        before = f"; {returned} message{'s were' if returned > 1 else ' was'} {RETURNED}" if returned else ""
        others = "\nOther mail:\n" + in_lines(near_misses) if near_misses else f" No other mail came{before}."
        attempts = "\nMail that was not stored:\n" + refused_in_lines(refused) if refused else ""
        failure = f"\nThe last call failed: {type(cause).__name__}: {cause}" if cause else ""
        super().__init__(
            f"No mail{in_words(clauses, kind)} came to {address} within {seconds:g} s.{others}{attempts}{failure}"
        )


class Unexpected(_Told, AssertionError):
    """A message came that the test did not expect; `mail` is that message."""

    def __init__(self, address: str, clauses: Clauses, mail: Message) -> None:
        self.mail = mail
        super().__init__(
            f"No mail{in_words(clauses)} was expected at {address}, but this came:\n"
            + printable_lines(f"From: {mail.from_header}\nSubject: {mail.subject}\n\n{mail.text[:_SHOWN_CHARACTERS]}")
        )


class _Raised(Protocol):
    value: BaseException


def is_for_the_caller(raised: _Raised) -> bool:
    """True for an error that says all; pytest then shows no line of this library (`__tracebackhide__`)."""
    return isinstance(raised.value, NoMail | Unexpected | Problem)


def in_lines(near_misses: Sequence[NearMiss]) -> str:
    """A line for each near miss: its subject, its sender, and the clauses that it failed."""
    return "\n".join(
        printable(f"- {json.dumps(each.subject, ensure_ascii=False)} from {each.from_addr} {_why(each)}")
        for each in near_misses
    )


def _why(near_miss: NearMiss) -> str:
    if near_miss.failed == (RETURNED,):
        return f"was {RETURNED}"
    return f"failed {', '.join(near_miss.failed)}"


def refused_in_lines(refused: Sequence[RefusedAttempt]) -> str:
    """A line for each attempt to deliver that failed."""
    return "\n".join(f"- {end_of(each)}" for each in refused)


def end_of(attempt: RefusedAttempt) -> str:
    """The stage in which an attempt ended, and the reply that the sender got."""
    return f"{attempt.stage}: {_reply_of(attempt)}"


def _reply_of(attempt: RefusedAttempt) -> str:
    if attempt.message_id:
        return f"a duplicate of the message {attempt.message_id}, which the mailbox had already"
    return attempt.reply or "the sender left"
