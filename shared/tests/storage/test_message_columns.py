"""Rows become structs by name: each field of a message is stored in, and read from, the column of its name."""

import datetime
import hashlib
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from msgspec.structs import asdict, fields, replace
from psycopg.rows import DictRow, class_row, dict_row
from support.database import incoming_message

from fake_email.parsed_message import Address, Attachment, Code, Link, LocatedAttachment, ParsedMessage
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import open_database
from fake_email.storage import message as stored_message
from fake_email.storage import message_list, store
from fake_email.storage.incoming_message import IncomingMessage, Trace
from fake_email.storage.listed import Listed
from fake_email.storage.message import OpenedMessage
from fake_email.storage.message_list import Cursor
from fake_email.storage.recipients import Recipient

NewMailbox = Callable[[], Awaitable[Recipient]]
NOT_FETCHED = {
    "mailbox_id": "the mailbox's address is fetched instead",
    "content": "its size and its header are fetched; `source` reads all of it",
    "content_sha256": "it serves only to find duplicates",
    "transfer": "the timeline shows it",
    "check_skipped": "it is a part of `check`",
    "verdict": "it is a part of `check`",
}
PARSED = ParsedMessage(
    subject="subject",
    from_header="from_header",
    from_address="from_address",
    from_addresses=(Address(name="from", address="from@x.test"),),
    to_addresses=(Address(name="to", address="to@x.test"),),
    cc_addresses=(Address(name="cc", address="cc@x.test"),),
    reply_to_addresses=(Address(name="reply_to", address="reply_to@x.test"),),
    date_header=datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC),
    text="text",
    html="html",
    attachments=(
        LocatedAttachment(name="name", type="type", size=1, content_id="content_id", part="part", start=2, end=3),
    ),
    codes=(Code(value="value", confidence=0.5, evidence="evidence", source="html"),),
    links=(Link(url="url", text="text", kind="reset"),),
    attachments_omitted=1,
    links_omitted=2,
    remote_images=3,
)
TRACE = Trace(client_address="client_address", host_name="host_name", protocol="protocol", tls="tls")


async def stored(connection: Connection, mailbox: Recipient) -> tuple[IncomingMessage, DictRow]:
    """A stored message whose fields all have different values, and its row."""
    incoming = replace(incoming_message(b"content", mailbox.mailbox_id), parsed=PARSED, trace=TRACE)
    await store.store_messages(connection, [incoming])
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("SELECT * FROM message WHERE id = %s", [incoming.deliveries[0].id])
        [row] = await cursor.fetchall()
    return incoming, row


async def traces(connection: Connection, columns: str) -> list[Trace]:
    """The rows of a SELECT of these columns, as Trace."""
    async with connection.cursor(row_factory=class_row(Trace)) as cursor:
        await cursor.execute(f"SELECT {columns}")
        return await cursor.fetchall()


async def test_each_field_of_a_message_is_stored_in_the_column_of_its_name(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    incoming, row = await stored(connection, await new_mailbox())

    [delivery] = incoming.deliveries
    assert msgspec.convert(row, ParsedMessage) == PARSED
    assert msgspec.convert(row, Trace) == TRACE
    assert (row["reverse_path"], row["content"]) == (incoming.reverse_path, incoming.content)
    assert (row["content_sha256"], row["recipient"]) == (incoming.content_sha256, delivery.recipient)


async def test_each_column_of_a_message_is_fetched_under_its_name(
    connection: Connection, database_url: str, new_mailbox: NewMailbox
) -> None:
    incoming, row = await stored(connection, await new_mailbox())

    async with open_database(database_url, connections=1) as database:
        found = await stored_message.fetch(database, incoming.deliveries[0].id, token_sha256=None)

    shown = asdict(found.listed) | asdict(found.trace) | asdict(found)
    types = {field.name: field.type for struct in (Listed, Trace, OpenedMessage) for field in fields(struct)}
    assert row.keys() - shown.keys() == NOT_FETCHED.keys()
    for name in row.keys() & shown.keys():
        assert shown[name] == msgspec.convert(row[name], types[name])


async def test_a_page_has_the_same_message_as_a_fetch_of_it(
    connection: Connection, database_url: str, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    incoming, _ = await stored(connection, mailbox)

    _, listed = await message_list.read(connection, address=mailbox.address, token_sha256=None, since=Cursor(), limit=9)

    async with open_database(database_url, connections=1) as database:
        found = await stored_message.fetch(database, incoming.deliveries[0].id, token_sha256=None)
    assert listed == [found.listed]
    assert listed[0].attachments == (
        Attachment(name="name", type="type", size=1, content_id="content_id", part="part"),
    )


async def test_the_order_of_columns_changes_nothing_in_the_struct(connection: Connection) -> None:
    columns = "'tls' AS tls, 'host_name' AS host_name, 'client_address' AS client_address, 'protocol' AS protocol"

    assert await traces(connection, columns) == [TRACE]


@pytest.mark.parametrize(
    "columns",
    [
        "'' AS client_address, '' AS host_name, '' AS protocol",
        "'' AS client_address, '' AS host_name, '' AS protocol, '' AS cipher",
        "'' AS client_address, '' AS host_name, '' AS protocol, '' AS tls, '' AS cipher",
    ],
)
async def test_a_missing_misnamed_or_additional_column_is_an_error(connection: Connection, columns: str) -> None:
    with pytest.raises(TypeError):
        await traces(connection, columns)


async def test_text_is_compressed_by_lz4_where_the_server_has_it(connection: Connection) -> None:
    cursor = await connection.execute(
        """
        SELECT attname, attcompression::text = 'l', 'lz4' = ANY (enumvals)
        FROM pg_attribute, pg_settings
        WHERE attrelid = 'message'::regclass AND attname IN ('text', 'html') AND name = 'default_toast_compression'
        ORDER BY attname
        """
    )
    found = await cursor.fetchall()

    assert [name for name, _, _ in found] == ["html", "text"]
    assert all(is_lz4 == has_lz4 for _, is_lz4, has_lz4 in found)


async def test_a_small_message_is_stored_in_one_row_without_a_second_table(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    octets = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'message'::regclass"
    mailbox = await new_mailbox()
    # It cannot be compressed. With the text it takes three quarters of half a page.
    body = b"".join(hashlib.sha256(b"%d" % number).hexdigest().encode() for number in range(24))

    await store.store_messages(connection, [incoming_message(b"Subject: x\r\n\r\n" + body, mailbox.mailbox_id)])

    assert await (await connection.execute(octets)).fetchall() == [(0,)]
