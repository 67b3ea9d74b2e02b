"""The search of a waiting call for the first messages that meet all clauses, stored already or still to arrive."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import msgspec

from fake_email.errors import DatabaseAway, MessageNotFound
from fake_email.storage import match_candidates, message_list, taking
from fake_email.storage.listed import Listed, fetch_listed
from fake_email.storage.mailboxes import MailboxState
from fake_email.storage.match_candidates import MatchCandidate
from fake_email.storage.message_list import Cursor
from fake_email.storage.taking import Taken
from http_api.calls import mailbox_search, message_response
from http_api.calls.context import Context
from http_api.calls.message_page import PAGE_OCTETS
from http_api.live import match
from http_api.live.call_shares import WHOLE_OCTETS
from http_api.live.fair_shares import TURN_SECONDS
from http_api.live.match import Clause
from http_api.live.shares import CLIENT_ANSWER_OCTETS
from http_api.live.waiters import WaitingCall
from http_api.protocol.errors import Overloaded, ServiceStopping
from http_api.protocol.parameters import rfc3339
from http_api.schemas.message import ListedMessage, WholeMessage, listed_message, whole_message

Result = TypeVar("Result")

MAX_NEAR_MISSES = 20
_PAGE = 20
_RETRY_SECONDS = 0.5


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """The mailbox and the clauses of a search, and its deadline by the clock of the event loop.

    `since` is None for messages that arrive after the search begins. With `takes`, the search marks what it finds as
    seen, and finds nothing that another search has taken.
    """

    address: str
    token_sha256: bytes | None
    since: Cursor | None
    clauses: list[Clause]
    deadline: float
    count: int = 1
    takes: bool = False

    def seconds_left(self) -> float:
        return self.deadline - asyncio.get_running_loop().time()

    def turn_seconds(self) -> float:
        """The seconds that a step waits for its client's turn; the last look may wait TURN_SECONDS past its end."""
        return max(self.seconds_left() + TURN_SECONDS, 0)


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """A message that did not match, and the clauses that it failed."""

    id: str
    seq: int
    from_addr: str
    subject: str
    received_at: str
    failed: tuple[str, ...]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of a search, oldest first, and the whole of the first; none when it found fewer than it looked for.

    `matched` is the number that it found. A search from `next_since` on misses nothing and repeats nothing.
    """

    first: WholeMessage | None = None
    messages: tuple[ListedMessage, ...] = ()
    matched: int = 0
    near_misses: tuple[NearMiss, ...] = ()
    next_since: int

    @property
    def message_seq(self) -> int:
        """The seq of the last of the messages, 0 without one."""
        return self.messages[-1].seq if self.messages else 0


async def first_matches(context: Context, search: Search) -> Outcome:
    """The first messages that meet all clauses, none at the deadline, and the last messages that did not match.

    At the deadline, all messages that have arrived are still checked. Raises TooManyStreams and ServiceStopping, and
    Overloaded when the client's turns do not come by then.
    """
    mailbox = await context.mailbox_lookups.fetch(search.address, search.token_sha256)
    waiter = WaitingCall()
    since = Cursor(seq=mailbox.last_seq) if search.since is None else search.since
    near_misses: deque[NearMiss] = deque(maxlen=MAX_NEAR_MISSES)
    matched: list[MatchCandidate] = []
    # Once the deadline is over, the seq of the last message to check.
    last_seq = None
    with context.stream_slots.slot(context.client, mailbox.id), context.waiters.watch(mailbox.id, waiter):
        context.begin_waiting()
        while True:
            waiter.reset()
            is_over = search.seconds_left() <= 0
            before = mailbox.last_seq
            mailbox = await _look(context, search)
            since = message_list.rewind(since, before=before, last_seq=mailbox.last_seq)
            if is_over and last_seq is None:
                last_seq = mailbox.last_seq
            compared = await _compare(context, search, mailbox, since, most=search.count - len(matched))
            for message, failed in compared:
                since = Cursor(seq=message.seq)
                if failed:
                    near_misses.append(_near_miss(message, failed))
                    continue
                matched.append(message)
                if len(matched) == search.count and (found := await _open(context, search, mailbox, matched)):
                    return found
            if last_seq is not None and (not compared or since.seq >= last_seq):
                return Outcome(
                    matched=len(matched), near_misses=tuple(near_misses), next_since=max(since.seq, last_seq)
                )
            if not compared:
                if context.waiters.is_stopping:
                    raise ServiceStopping
                await waiter.woken_within(search.seconds_left())


async def _look(context: Context, search: Search) -> MailboxState:
    return await _retry(context, search, lambda: context.mailbox_lookups.fetch(search.address, search.token_sha256))


async def _compare(
    context: Context, search: Search, mailbox: MailboxState, since: Cursor, *, most: int
) -> list[tuple[MatchCandidate, list[str]]]:
    """The next messages after `since`, without their texts, and what each failed, up to so many that match."""
    if not message_list.may_have(mailbox, past=since):
        return []
    needs = match.needs(search.clauses)
    read = partial(match_candidates.read, mailbox_id=mailbox.id, since=since, limit=_PAGE, needs=needs)
    compared: list[tuple[MatchCandidate, list[str]]] = []
    # The texts stay in memory while each waits for its turn to be compared.
    async with mailbox_search.memory(context, mailbox, needs, seconds=search.turn_seconds()) as database:
        page = await _retry(context, search, lambda: database.run(read))
        failed = await mailbox_search.failed(context, search.clauses, page, seconds=search.turn_seconds())
        for each, names in zip(page, failed, strict=True):
            compared.append((match_candidates.without_texts(each), names))
            most -= not names
            if not most:
                break
    return compared


async def _retry(context: Context, search: Search, read: Callable[[], Awaitable[Result]]) -> Result:
    """The result of `read`, tried again until the deadline while the database is away, or the client's turn is."""
    while True:
        try:
            return await read()
        except (DatabaseAway, Overloaded):
            if search.seconds_left() <= 0 or context.waiters.is_stopping:
                raise
            await asyncio.sleep(_RETRY_SECONDS)


async def _open(
    context: Context, search: Search, mailbox: MailboxState, matched: list[MatchCandidate]
) -> Outcome | None:
    """The outcome with these messages; None when one was deleted or taken meanwhile, which then leaves `matched`."""
    if search.count > 1 and mailbox.stored_octets > WHOLE_OCTETS:
        await context.hold(CLIENT_ANSWER_OCTETS, seconds=search.turn_seconds())
    found = await (_take if search.takes else _read)(context, search, mailbox, matched)
    if found is None:
        context.release_hold()
        return None
    return Outcome(
        first=whole_message(found.first),
        messages=tuple(map(listed_message, found.listed)),
        matched=len(matched),
        next_since=found.listed[-1].seq,
    )


async def _read(context: Context, search: Search, mailbox: MailboxState, matched: list[MatchCandidate]) -> Taken | None:
    listed: list[Listed] = []
    if search.count > 1:
        left, listed = await context.database_for(0, seconds=search.turn_seconds()).run(
            partial(
                fetch_listed,
                mailbox_id=mailbox.id,
                seqs=[each.seq for each in matched],
                most_octets=PAGE_OCTETS,
            )
        )
        if len(left) < search.count:
            matched[:] = [each for each in matched if each.seq in left]
            return None
    try:
        first = await message_response.fetch(
            context, matched[0].id, token_sha256=search.token_sha256, seconds=search.turn_seconds()
        )
    except MessageNotFound:
        del matched[0]
        return None
    return Taken(first=first, listed=listed or [first.listed])


async def _take(context: Context, search: Search, mailbox: MailboxState, matched: list[MatchCandidate]) -> Taken | None:
    seqs = [each.seq for each in matched]
    try:
        octets = await message_response.hold_for(
            context, matched[0].id, token_sha256=search.token_sha256, seconds=search.turn_seconds()
        )
        return await taking.take(
            context.database_for(octets, seconds=search.turn_seconds()),
            mailbox.id,
            seqs=seqs,
            first_id=matched[0].id,
            token_sha256=search.token_sha256,
            most_octets=PAGE_OCTETS,
            decode=context.decode_fields,
        )
    except MessageNotFound:
        unseen = partial(taking.unseen, mailbox_id=mailbox.id, seqs=seqs)
        left = await context.database_for(0, seconds=search.turn_seconds()).run(unseen)
        # If all are left, the mailbox has expired, which the next look finds.
        matched[:] = [each for each in matched if each.seq in left][: search.count - 1]
        return None


def _near_miss(message: MatchCandidate, failed: list[str]) -> NearMiss:
    return NearMiss(
        id=str(message.id),
        seq=message.seq,
        from_addr=message.from_address or message.reverse_path,
        subject=message.subject,
        received_at=rfc3339(message.received_at),
        failed=tuple(failed),
    )
