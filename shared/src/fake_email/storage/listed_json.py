"""A page of a mailbox as the JSON of its messages, which Postgres writes: one row and no struct for each poll."""

import datetime

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from fake_email.errors import MailboxNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.statements import statement
from fake_email.storage.mailboxes import may_read
from fake_email.storage.message_list import END, FOUND, Cursor, parameters

_TIME = """'"' || to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'"""
_ATTACHMENTS = """
    CASE WHEN attachments = '[]' THEN '[]' ELSE (
        SELECT '[' || string_agg((each - '{start,end,encoding,location}'::text[])::text, ',' ORDER BY position) || ']'
        FROM jsonb_array_elements(attachments) WITH ORDINALITY AS listed (each, position)
    ) END
"""
# The members of a message in a list, in their public order; each is the text of its JSON. Null makes all of it null.
MEMBERS = {
    "id": "to_json(id)",
    "seq": "seq",
    "from_addr": "to_json(coalesce(nullif(from_address, ''), reverse_path))",
    "to_addr": "to_json(recipient)",
    "subject": "to_json(subject)",
    "body_text": "to_json(text)",
    "received_at": _TIME.format(column="received_at"),
    "truncated": "false",
    "from_header": "to_json(from_header)",
    "reverse_path": "to_json(reverse_path)",
    "date": f"coalesce({_TIME.format(column='date_header')}, 'null')",
    "has_html": "html IS NOT NULL",
    "attachments": _ATTACHMENTS,
    "codes": "codes",
    "links": "links",
    "seen": "seen",
    "octets": "octet_length(content)",
    "attachments_omitted": "attachments_omitted",
    "links_omitted": "links_omitted",
    "from": "from_addresses",
    "to": "to_addresses",
    "cc": "cc_addresses",
    "reply_to": "reply_to_addresses",
}
# Of other messages the text is cut, an attachment gets a name, or a release before left out a member.
_IS_WHOLE = """
    octet_length(text) <= %(text_octets)s
        AND NOT attachments @> '[{"name": ""}]'
        AND attachments -> 0 ? 'inline' IS NOT FALSE
        AND links -> 0 ? 'target' IS NOT FALSE
"""
_JSON = " || ',' || ".join(f"""'"{name}":' || ({expression})""" for name, expression in MEMBERS.items())

_READ = statement(
    """
    SELECT mailbox.token_sha256, page.*
    FROM mailbox
    CROSS JOIN LATERAL (
        SELECT count(*) AS messages, count(json) AS written, min(seq) AS first_seq,
            max(received_at) AS last_received_at,
            '[' || coalesce(string_agg(json, ',' ORDER BY seq), '') || ']' AS json
        FROM (
            SELECT seq, received_at, CASE WHEN {is_whole} THEN {json} END AS json
            {found}
        ) AS message
    ) AS page
    WHERE mailbox.address = %(address)s AND mailbox.expires_at > now()
    """,
    is_whole=sql.SQL(_IS_WHOLE),
    json=sql.SQL(f"'{{' || {_JSON} || '}}'"),
    found=sql.SQL(FOUND),
)


class WrittenPage(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of a page as a JSON array, oldest first, of which `written` many are in it."""

    token_sha256: bytes | None
    messages: int
    written: int
    first_seq: int | None
    last_received_at: datetime.datetime | None
    json: str


async def read(
    connection: Connection,
    *,
    address: str,
    token_sha256: bytes | None,
    since: Cursor,
    limit: int,
    before: Cursor = END,
) -> WrittenPage | None:
    """The page that message_list.read has, as the API lists it; None when Postgres cannot write each message."""
    async with connection.cursor(row_factory=class_row(WrittenPage)) as cursor:
        await cursor.execute(_READ, parameters(address, token_sha256, since, limit, before))
        page = await cursor.fetchone()
    if page is None or not may_read(page.token_sha256, token_sha256):
        raise MailboxNotFound
    return page if page.written == page.messages else None
