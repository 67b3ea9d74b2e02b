"""A search gives the same messages whether Postgres or Python looks at the columns."""

import datetime
from collections.abc import Callable

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
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
        "cc:bob",
        "to:@lists.test",
        "reply-to:/desk$/",
        "subject:3",
        "xxx",
    ]
)
_PEOPLE = ("To: All <all@lists.test>\r\n", 'Cc: "Lee, Bob" <b@x.test>, c@x.test\r\n', "Reply-To: Desk <d@x.test>\r\n")
_ALL = frozenset[match_candidates.Need]({"text", "people"})
_TERMS = st.lists(st.builds(str.__add__, st.sampled_from(["", "-"]), _NAMED), max_size=4)


@pytest.fixture
async def mailbox(database_url: str) -> tuple[str, int, datetime.datetime]:
    """A database, a mailbox with messages of every kind, and a time amid them."""
    address = make_mailbox(database_url)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        found = await mailboxes.fetch(connection, address=address, token_sha256=None)
        for number in range(16):
            people = "".join(field * (number >> bit & 1) for bit, field in enumerate(_PEOPLE)).encode()
            content = message(str(number), "x" * (number % 5) * 40)
            arriving = incoming_message(people + content, found.id)
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
    clauses = match.clauses(query=[term for term in parsed if not isinstance(term, ColumnTerm)])
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        everything = await match_candidates.read(connection, mailbox_id, limit=100, needs=_ALL)
        by_sql = await match_candidates.read(
            connection, mailbox_id, limit=100, needs=match.needs(clauses), conditions=conditions
        )

    by_python = [each.seq for each in everything if not match.failed(match.clauses(query=parsed), each)]

    assert [each.seq for each in by_sql if not match.failed(clauses, each)] == by_python
    assert len(everything) == 16


async def test_people_are_found_by_their_name_or_their_address(mailbox: tuple[str, int, datetime.datetime]) -> None:
    database_url, mailbox_id, _ = mailbox
    wanted: dict[str, Callable[[int], object]] = {
        'cc:"lee, bob"': lambda number: number & 2,
        "cc:/^c@/": lambda number: number & 2,
        "-cc:bob": lambda number: not number & 2,
        "to:all": lambda number: number & 1,
        "to:@mx.test": lambda _: True,
        "reply-to:/./": lambda number: number & 4,
        "reply-to:/^$/": lambda _: False,
        "bob": lambda _: False,
    }
    found = {}
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        for query in wanted:
            clauses = match.clauses(query=search_language.parse(query))
            candidates = await match_candidates.read(connection, mailbox_id, limit=100, needs=match.needs(clauses))
            found[query] = [each.seq for each in candidates if not match.failed(clauses, each)]

    assert found == {
        query: [number + 1 for number in range(16) if is_found(number)] for query, is_found in wanted.items()
    }


async def test_messages_of_a_release_before_have_no_people(mailbox: tuple[str, int, datetime.datetime]) -> None:
    database_url, mailbox_id, _ = mailbox
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("UPDATE message SET to_addresses = NULL, cc_addresses = NULL")
        candidates = await match_candidates.read(connection, mailbox_id, limit=100, needs=_ALL)

    assert {each.to_people + each.cc_people for each in candidates} == {""}
    assert "Desk\nd@x.test" in {each.reply_to_people for each in candidates}


async def test_a_page_is_short_where_its_people_are_many(mailbox: tuple[str, int, datetime.datetime]) -> None:
    database_url, mailbox_id, _ = mailbox
    many = [{"name": "n" * 60, "address": f"{number:020}@{number:040}.test"} for number in range(1_000)]
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("UPDATE message SET cc_addresses = %s", [Jsonb(many)])
        page = await match_candidates.read(connection, mailbox_id, limit=100, needs=frozenset({"people"}))
        whole = await match_candidates.read(connection, mailbox_id, limit=100, needs=frozenset())

    assert [each.seq for each in page] == [1, 2]
    assert len(whole) == 16
