"""The search behind `wait`: calls of at most 25 seconds, one after the other until the deadline."""

import time
from collections.abc import Callable, Sequence

import httpx2

from fake_email_client.attempts import RefusedAttempt
from fake_email_client.calls import Call, Cut, Steps, checked, decoded, retry_delay
from fake_email_client.clauses import Clauses, LinkKind, parameters
from fake_email_client.errors import NoMail, Problem, is_for_the_caller
from fake_email_client.schemas import Message, NearMiss

# Many proxies give up on a response after 30 seconds.
CALL_SECONDS = 25.0
# The API waits for a second at least.
_LEAST_SECONDS = 1.0
_CUT_SECONDS = 10.0
_MOST_NEAR_MISSES = 20
__tracebackhide__ = is_for_the_caller


def search(
    address: str,
    token: str | None,
    since: int,
    timeout: float,
    clauses: Clauses,
    refuse: Callable[[Message], str | None],
    kind: LinkKind | None = None,
) -> Steps[Message]:
    """The first message after `since` that meets all clauses and that `refuse` accepts; raises NoMail.

    Earlier calls have returned all messages up to `since`. With a kind, the message also has a link of this kind.

    `refuse` returns the clause that a message fails, or None.
    """
    end = time.monotonic() + timeout
    returned = since
    query = {**parameters(clauses), "address": address}
    misses: dict[str, NearMiss] = {}
    refused: Sequence[RefusedAttempt] = ()
    failure: Exception | None = None
    attempt = 0
    after = 0.0
    while True:
        seconds = max(_LEAST_SECONDS, min(CALL_SECONDS, end - time.monotonic() - after))
        call = Call(
            path="inbox/wait",
            query={**query, "since": str(since), "timeout": f"{seconds:.3f}"},
            token=token,
            seconds=seconds + _CUT_SECONDS,
            after=after,
        )
        try:
            response = yield call
            checked(response)
        except (*Cut, Problem) as error:
            if isinstance(error, Problem) and error.code == "no_match":
                since = _next_since(response)
                misses |= {each.id: each for each in error.body.near_misses}
                refused = error.body.refused
                failure, attempt, after = None, 0, 0.0
            else:
                delay = retry_delay(error, attempt)
                if delay is None:
                    raise
                failure, attempt, after = error, attempt + 1, delay
        else:
            message = decoded(response, Message)
            failed = f"link={kind}" if kind and message.link_of(kind) is None else refuse(message)
            if failed is None:
                return message
            misses[message.id] = _near_miss(message, failed)
            since = _next_since(response)
            failure, attempt, after = None, 0, 0.0
            # Messages that are there already are looked at even when the time is over.
            continue
        if end - time.monotonic() <= after:
            near_misses = [*misses.values()][-_MOST_NEAR_MISSES:]
            raise NoMail(address, clauses, timeout, near_misses, refused, failure, returned, kind) from failure


def _next_since(response: httpx2.Response) -> int:
    value = response.headers.get("Next-Since", "")
    if not value.isdecimal():
        raise Problem(response, missing="Next-Since") from None
    return int(value)


def _near_miss(message: Message, failed: str) -> NearMiss:
    return NearMiss(
        id=message.id,
        seq=message.seq,
        subject=message.subject,
        from_addr=message.from_addr,
        received_at=message.received_at,
        failed=(failed,),
    )
