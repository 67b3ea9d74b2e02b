"""A search gives the same messages whether Postgres or Python looks at the columns."""

import datetime

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.content import message
from support.database import incoming_message, make_mailbox

from fake_email.parsed_message import Code, Link, LocatedAttachment
from fake_email.storage import mailboxes, match_candidates, store
from http_api.live import match, search_language
from http_api.live.search_language import ColumnTerm

_CODE = Code(value="482913", confidence=0.9, evidence="482913", source="text")
_LINK = Link(url="https://example.com/", text="", kind="other")
_FILE = LocatedAttachment(name="a.txt", type="text/plain", size=1, content_id=None, part="2")

_NAMED = st.sampled_from(
    [
        "has:code",
        "has:link",
        "has:attachment",
        "is:read",
        "is:unread",
        "code:482913",
        "code:4829",
        "larger:150",
        "smaller:150",
        "larger:0",
        "smaller:0",
        "before:{middle}",
        "after:{middle}",
    ]
)
_TERMS = st.lists(st.builds(str.__add__, st.sampled_from(["", "-"]), _NAMED), max_size=4)


@pytest.fixture
async def mailbox(database_url: str) -> tuple[str, int, datetime.datetime]:
    """A database, a mailbox with messages of every kind, and a time amid them."""
    address = make_mailbox(database_url)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        found = await mailboxes.fetch(connection, address=address, token_sha256=None)
        for number in range(16):
            arriving = incoming_message(message(str(number), "x" * (number % 5) * 40), found.id)
            parsed = msgspec.structs.replace(
                arriving.parsed,
                codes=(_CODE,) * (number & 1),
                links=(_LINK,) * (number >> 1 & 1),
                attachments=(_FILE,) * (number >> 2 & 1),
            )
            await store.store_messages(connection, [msgspec.structs.replace(arriving, parsed=parsed)])
        await connection.execute("UPDATE message SET seen = seq %% 3 = 0 WHERE mailbox_id = %s", [found.id])
        cursor = await connection.execute(
            "SELECT received_at FROM message WHERE mailbox_id = %s AND seq = 8", [found.id]
        )
        [middle] = await cursor.fetchone() or [datetime.datetime.now(datetime.UTC)]
    return database_url, found.id, middle


@given(terms=_TERMS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
async def test_sql_and_python_agree_about_every_search(
    mailbox: tuple[str, int, datetime.datetime], terms: list[str]
) -> None:
    database_url, mailbox_id, middle = mailbox
    parsed = search_language.parse(" ".join(terms).replace("{middle}", middle.isoformat()))
    conditions = [term.condition for term in parsed if isinstance(term, ColumnTerm)]
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        everything = await match_candidates.read(connection, mailbox_id, limit=100, with_text=True)
        by_sql = await match_candidates.read(connection, mailbox_id, limit=100, with_text=True, conditions=conditions)

    by_python = [each for each in everything if not match.failed(match.clauses(query=parsed), each)]

    assert by_sql == by_python
    assert len(everything) == 16
