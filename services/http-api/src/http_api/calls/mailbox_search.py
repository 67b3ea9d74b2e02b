"""The search of a mailbox for the messages that meet all terms of a query, page by page."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from fake_email.storage import match_candidates
from fake_email.storage.match_candidates import MatchCandidate
from fake_email.storage.message_list import END, Cursor
from http_api.calls.context import Context
from http_api.live import match
from http_api.live.match import Clause
from http_api.live.query import ColumnTerm, Term
from http_api.protocol.client_address import Client

_PAGE = 100
_LONG_CHARACTERS = 65_536


async def failed(context: Context, client: Client, clauses: Sequence[Clause], message: MatchCandidate) -> list[str]:
    """The names of the clauses that the message fails; a thread compares texts that could take long."""
    compare = partial(match.failed, clauses, message)
    if len(message.text) > _LONG_CHARACTERS or any(clause.is_pattern for clause in clauses):
        return await context.search_threads.run(client.network, compare)
    return compare()


async def matching(
    context: Context,
    client: Client,
    mailbox_id: int,
    terms: Sequence[Term],
    *,
    after_seq: int = 0,
    before_seq: int = END.seq,
    newest_first: bool = False,
) -> AsyncIterator[MatchCandidate]:
    """The messages that meet all terms, in the order of their seqs; the caller has checked the token."""
    conditions = [term.condition for term in terms if isinstance(term, ColumnTerm)]
    clauses = [match.query_clause(term) for term in terms if not isinstance(term, ColumnTerm)]
    with_text = any(clause.needs_text for clause in clauses)
    while True:
        candidates = await context.database.run(
            partial(
                match_candidates.read,
                mailbox_id=mailbox_id,
                since=Cursor(seq=after_seq),
                before_seq=before_seq,
                limit=_PAGE,
                with_text=with_text,
                conditions=conditions,
                newest_first=newest_first,
            )
        )
        for each in candidates:
            if not await failed(context, client, clauses, each):
                yield each
        if not candidates:
            return
        if newest_first:
            before_seq = candidates[-1].seq
        else:
            after_seq = candidates[-1].seq
