"""The search of a mailbox for the messages that meet all terms of a query, page by page."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from fake_email.storage import match_candidates
from fake_email.storage.mailboxes import MailboxState
from fake_email.storage.match_candidates import MatchCandidate, Needs
from fake_email.storage.message_list import END, Cursor
from http_api.calls.context import Context
from http_api.live import match
from http_api.live.call_shares import WHOLE_OCTETS
from http_api.live.client_database import ClientDatabase
from http_api.live.match import Clause
from http_api.live.search_language import ColumnTerm, Term

_PAGE = 100
_LONG_CHARACTERS = 65_536


async def failed(
    context: Context, clauses: Sequence[Clause], messages: Sequence[MatchCandidate], *, seconds: float | None = None
) -> list[list[str]]:
    """The names of the clauses that each message of a page fails; a thread compares texts that could take long.

    Raises Overloaded when the client's turn does not come within `seconds`.
    """

    def compare() -> list[list[str]]:
        return [match.failed(clauses, each) for each in messages]

    is_long = sum(map(match_candidates.characters, messages)) > _LONG_CHARACTERS
    if messages and (is_long or any(clause.is_pattern for clause in clauses)):
        # Without a deadline: the call was let in, and its client waits only for itself.
        return await context.work(compare, seconds=seconds)
    return compare()


async def matching(
    context: Context,
    mailbox: MailboxState,
    terms: Sequence[Term],
    *,
    after_seq: int = 0,
    before_seq: int = END.seq,
    newest_first: bool = False,
) -> AsyncIterator[MatchCandidate]:
    """The messages that meet all terms, in the order of their seqs; the caller has checked the token."""
    conditions = [term.condition for term in terms if isinstance(term, ColumnTerm)]
    clauses = [match.query_clause(term) for term in terms if not isinstance(term, ColumnTerm)]
    needs = match.needs(clauses)
    while True:
        read = partial(
            match_candidates.read,
            mailbox_id=mailbox.id,
            since=Cursor(seq=after_seq),
            before_seq=before_seq,
            limit=_PAGE,
            needs=needs,
            conditions=conditions,
            newest_first=newest_first,
        )
        last_seq = None
        found = []
        async with memory(context, mailbox, needs) as database:
            page = await database.run(read)
            for each, names in zip(page, await failed(context, clauses, page), strict=True):
                last_seq = each.seq
                if not names:
                    found.append(match_candidates.without_texts(each))
        for each in found:
            yield each
        if last_seq is None:
            return
        if newest_first:
            before_seq = last_seq
        else:
            after_seq = last_seq


@asynccontextmanager
async def memory(
    context: Context, mailbox: MailboxState, needs: Needs, *, seconds: float | None = None
) -> AsyncIterator[ClientDatabase]:
    """Memory for the texts of a page of candidates, while they wait to be compared, and the database to read them."""
    if not needs or mailbox.stored_octets <= WHOLE_OCTETS:
        yield context.database
        return
    octets = min(match_candidates.TEXT_FACTOR * mailbox.stored_octets, match_candidates.MOST_OCTETS)
    async with context.reading(octets, seconds=seconds):
        yield context.database_for(octets)
