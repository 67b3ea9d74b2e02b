"""The JSON of a poll that Postgres writes has the members of the JSON that Python writes, whatever a message has."""

import datetime
import secrets
from collections.abc import AsyncIterator

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.database import incoming_message, make_mailbox

from fake_email.parsed_message import Address, Code, Link, LocatedAttachment, ParsedMessage
from fake_email.postgres.connection import Connection
from fake_email.storage import listed_json, mailboxes, message_list, recipients, store
from fake_email.storage.message_list import Cursor
from http_api.schemas.message import ListedMessage, listed_message

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
addresses = st.lists(st.builds(Address, name=texts, address=texts), max_size=3).map(tuple)
names = texts.filter(bool)
codes = st.builds(Code, value=texts, evidence=texts, confidence=st.sampled_from([0.0, 0.98, 1.0]))
parsed = st.builds(
    ParsedMessage,
    subject=texts,
    from_header=texts,
    from_address=texts,
    from_addresses=addresses,
    to_addresses=addresses,
    cc_addresses=addresses,
    reply_to_addresses=addresses,
    date_header=st.none() | st.datetimes(datetime.datetime(1, 1, 2), timezones=st.just(datetime.UTC)),  # noqa: DTZ001  # `timezones` has it
    text=texts,
    html=st.none() | texts,
    attachments=st.lists(
        st.builds(LocatedAttachment, name=names, type=names, content_id=st.none() | texts, location=st.none() | texts),
        max_size=3,
    ).map(tuple),
    codes=st.lists(codes, max_size=2).map(tuple),
    links=st.lists(st.builds(Link, url=texts, text=texts, target=st.none() | texts), max_size=3).map(tuple),
    links_omitted=st.integers(0, 9),
    attachments_omitted=st.integers(0, 9),
)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield connection


def test_postgres_writes_the_members_of_a_listed_message_in_their_order() -> None:
    assert [*listed_json.MEMBERS] == list(ListedMessage.__struct_encode_fields__)


@pytest.fixture
def address(database_url: str) -> str:
    return make_mailbox(database_url)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(parsed, min_size=1, max_size=3))
async def test_postgres_writes_what_python_writes(
    connection: Connection, address: str, messages: list[ParsedMessage]
) -> None:
    mailbox = (await recipients.find(connection, [address]))[address]
    contents = [secrets.token_bytes(16) for _ in messages]
    incoming = [incoming_message(content, mailbox.mailbox_id) for content in contents]
    before = await mailboxes.fetch(connection, address=address, token_sha256=None)
    await store.store_messages(
        connection,
        [msgspec.structs.replace(each, parsed=its) for each, its in zip(incoming, messages, strict=True)],
    )

    since = Cursor(seq=before.last_seq)
    written = await listed_json.read(connection, address=address, token_sha256=None, since=since, limit=9)
    _, listed = await message_list.read(connection, address=address, token_sha256=None, since=since, limit=9)

    assert written is not None
    assert msgspec.json.decode(written.json) == msgspec.json.decode(msgspec.json.encode([*map(listed_message, listed)]))
    assert (written.messages, written.first_seq) == (len(messages), before.last_seq + 1)
    assert written.last_received_at == listed[-1].received_at


@pytest.mark.parametrize(
    "change",
    [
        "text = repeat('ä', 40000)",
        "from_addresses = NULL",
        """attachments = '[{"name": "", "inline": true}]'""",
        """attachments = '[{"name": "a"}]'""",
        """links = '[{"url": "a:", "text": "", "kind": "other"}]'""",
    ],
)
async def test_what_is_to_be_completed_is_left_to_python(connection: Connection, address: str, change: str) -> None:
    mailbox = (await recipients.find(connection, [address]))[address]
    await store.store_messages(connection, [incoming_message(b"Subject: a\r\n\r\n", mailbox.mailbox_id)])
    await connection.execute(f"UPDATE message SET {change}")  # a text of this file

    written = await listed_json.read(connection, address=address, token_sha256=None, since=Cursor(), limit=9)

    assert written is None
