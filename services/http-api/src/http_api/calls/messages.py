"""GET, PATCH and DELETE /api/inbox/messages: list, mark or delete the messages of a mailbox that a search finds."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import delete, get, patch
from litestar.openapi.spec import Example
from litestar.params import Body, Parameter

from fake_email.errors import DatabaseFull, MailboxNotFound
from fake_email.storage import many_messages
from fake_email.storage.mailboxes import MailboxState
from fake_email.storage.many_messages import Summary
from fake_email.storage.match_candidates import MatchCandidate
from fake_email.storage.message_list import END
from http_api.calls import mailbox_search
from http_api.calls.context import Context
from http_api.calls.reader import READER
from http_api.live import search_language
from http_api.live.repeated_response import keep_response
from http_api.live.search_language import Term
from http_api.openapi.responses import error_responses, json_response
from http_api.protocol import parameters
from http_api.protocol.error_handlers import UNREADABLE_BODY
from http_api.protocol.errors import BadInput
from http_api.protocol.json_body import decode_strictly
from http_api.protocol.parameters import Address, Limit, OptionalQueryText, QueryText
from http_api.protocol.request import AnyRequest
from http_api.schemas.summary import SUMMARIZED_EXAMPLE, SummarizedMessage, summarized_message

# A transaction locks the mailbox, and new mail for it waits meanwhile.
_BATCH_MESSAGES = 100
_BATCH_OCTETS = 4_194_304


class MessageList(msgspec.Struct, frozen=True, kw_only=True):
    """Messages without their texts; `next_cursor` is the `cursor` of the next page, null on the last one."""

    messages: list[SummarizedMessage]
    next_cursor: str | None


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `seen` flag of the messages."""

    seen: bool


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """The number of messages whose flag was changed."""

    changed: int


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """The number of messages that were deleted."""

    deleted: int


@get(
    "/api/inbox/messages",
    dependencies=READER,
    operation_id="searchMessages",
    tags=["lists of messages"],
    summary="List or search the messages of a mailbox",
    responses=json_response(MessageList(messages=[SUMMARIZED_EXAMPLE], next_cursor="2"))
    | error_responses(BadInput, MailboxNotFound),
)
async def list_messages(
    context: Context,
    request: AnyRequest,
    address: Address,
    token_sha256: bytes | None,
    query_text: QueryText = "",
    order: Annotated[
        Literal["newest", "oldest"],
        Parameter(description="Which messages come first.", examples=[Example(value="oldest")]),
    ] = "newest",
    limit: Limit = 50,
    cursor: Annotated[
        str | None,
        Parameter(description="The `next_cursor` of the page before.", examples=[Example(value="2")]),
    ] = None,
) -> MessageList:
    """Return messages for a list: sender, subject, a preview, codes, links and attachments, but no text.

    A page has fewer messages than `limit` if it would pass 1 MiB, as with very many links or recipients.
    """
    terms = search_language.parse(query_text)
    start = _start(cursor)
    mailbox = await context.mailbox_lookups.fetch(parameters.address(address), token_sha256)
    newest_first = order == "newest"
    after_seq = 0 if newest_first else start or 0
    before_seq = END.seq if not newest_first or start is None else start
    if terms:
        found = mailbox_search.matching(
            context, mailbox, terms, after_seq=after_seq, before_seq=before_seq, newest_first=newest_first
        )
        messages, next_cursor = await _found(context, mailbox, found, limit=limit, newest_first=newest_first)
    else:
        page = await context.database.run(
            partial(
                many_messages.read_next,
                mailbox_id=mailbox.id,
                after_seq=after_seq,
                before_seq=before_seq,
                limit=limit,
                newest_first=newest_first,
            )
        )
        messages, next_cursor = page.summaries, str(page.summaries[-1].seq) if page.has_more else None
    keep_response(request.scope, mailbox)
    return MessageList(messages=[summarized_message(each) for each in messages], next_cursor=next_cursor)


async def _found(
    context: Context,
    mailbox: MailboxState,
    found: AsyncIterator[MatchCandidate],
    *,
    limit: int,
    newest_first: bool,
) -> tuple[list[Summary], str | None]:
    """The first `limit` of the messages that a search finds, and the cursor of the next page."""
    seqs: list[int] = []
    async for each in found:
        seqs.append(each.seq)
        if len(seqs) > limit:
            break
    shown = seqs[:limit]
    summaries = await context.database.run(
        partial(many_messages.read, mailbox_id=mailbox.id, seqs=shown, newest_first=newest_first)
    )
    return summaries, _next_cursor(seqs, shown, summaries)


def _next_cursor(found: list[int], shown: list[int], summaries: list[Summary]) -> str | None:
    """The cursor of the next page, which has the messages that were `found` but do not fit into this one."""
    if not shown:
        return None
    # Without summaries, all were deleted since the search.
    last = summaries[-1].seq if summaries else shown[-1]
    return str(last) if len(found) > len(shown) or last != shown[-1] else None


@patch(
    "/api/inbox/messages",
    operation_id="updateMessages",
    tags=["lists of messages"],
    summary="Mark many messages as seen",
    responses=json_response(Marked(changed=2))
    | error_responses(BadInput, MailboxNotFound, DatabaseFull, has_body=True),
    exception_handlers=UNREADABLE_BODY,
)
async def mark_messages(
    context: Context,
    request: AnyRequest,
    address: Address,
    data: Annotated[Mark, Body(examples=[Example(value={"seen": True})])],
    token_sha256: bytes | None,
    query_text: OptionalQueryText = None,
) -> Marked:
    """Set or clear the `seen` flag of all messages, or with `query` of those that it finds.

    Open streams of the mailbox send the event `seen` for each message whose flag changes.
    """
    seen = decode_strictly(await request.json(), type(data)).seen
    terms = _terms(query_text)
    mailbox = await context.mailbox_lookups.fetch(parameters.address(address), token_sha256)
    changed = 0
    async for seqs in _batches(context, mailbox, terms):
        changed += await context.database.write(
            partial(many_messages.mark, mailbox_id=mailbox.id, seqs=seqs, seen=seen)
        )
    return Marked(changed=changed)


@delete(
    "/api/inbox/messages",
    operation_id="deleteMessages",
    tags=["lists of messages"],
    status_code=200,
    summary="Delete many messages",
    responses=json_response(Deleted(deleted=2)) | error_responses(BadInput, MailboxNotFound, DatabaseFull),
)
async def delete_messages(
    context: Context, address: Address, token_sha256: bytes | None, query_text: OptionalQueryText = None
) -> Deleted:
    """Delete all messages, or with `query` those that it finds; the mailbox stays.

    Open streams of the mailbox send the event `deleted` for each. Mail that arrives during the call stays.
    """
    terms = _terms(query_text)
    mailbox = await context.mailbox_lookups.fetch(parameters.address(address), token_sha256)
    deleted = 0
    async for seqs in _batches(context, mailbox, terms):
        deleted += await context.database.write(partial(many_messages.delete, mailbox_id=mailbox.id, seqs=seqs))
    return Deleted(deleted=deleted)


def _terms(query_text: str | None) -> list[Term]:
    """The terms of a query that may be left out, but not empty: a script whose variable is empty means no message."""
    if query_text is not None and not query_text.strip():
        raise BadInput("query", "query: empty; leave the parameter out to mean all messages.")
    return search_language.parse(query_text or "")


async def _batches(context: Context, mailbox: MailboxState, terms: Sequence[Term]) -> AsyncIterator[list[int]]:
    """The seqs of the messages that meet all terms, in batches for one transaction each; later mail is left out."""
    seqs: list[int] = []
    octets = 0
    async for each in mailbox_search.matching(context, mailbox, terms, before_seq=mailbox.last_seq + 1):
        if seqs and _is_full(seqs, octets, each):
            yield seqs
            seqs, octets = [], 0
        seqs.append(each.seq)
        octets += each.octets
    if seqs:
        yield seqs


def _is_full(seqs: list[int], octets: int, following: MatchCandidate) -> bool:
    return len(seqs) >= _BATCH_MESSAGES or octets + following.octets > _BATCH_OCTETS


def _start(cursor: str | None) -> int | None:
    seq = None if cursor is None else parameters.seq(cursor)
    if cursor is not None and seq is None:
        raise BadInput("cursor", f"cursor: {cursor[:100]!r} is not the next_cursor of a page.")
    return seq
