"""Messages stored in batches: seqs, times, duplicates and counters, and the pages that are read of them."""

import datetime
import uuid
from collections.abc import Awaitable, Callable

import msgspec
import psycopg
import pytest
from psycopg.rows import class_row
from support.content import message
from support.database import incoming_message

from fake_email.errors import MailboxNotFound
from fake_email.parsed_message import Address, Attachment
from fake_email.postgres.connection import Connection
from fake_email.storage import mailboxes, message_list, store
from fake_email.storage.incoming_message import IncomingMessage, new_id
from fake_email.storage.listed import LISTED_TEXT_OCTETS, Listed
from fake_email.storage.message_list import Cursor
from fake_email.storage.recipients import Recipient
from fake_email.storage.store import Outcome

NewMailbox = Callable[[], Awaitable[Recipient]]
TOKEN = b"t" * 32
ONE_OF_ONE = Outcome(live=1, stored=1)
NONE_OF_ONE = Outcome(live=1, stored=0)


class Row(msgspec.Struct, frozen=True):
    """A row of the table of messages."""

    seq: int
    received_at: datetime.datetime
    content: bytes


class Counters(msgspec.Struct, frozen=True):
    """The counters of a mailbox."""

    last_seq: int
    message_count: int
    stored_octets: int


@pytest.fixture
def database_url(common_database_url: str) -> str:
    """Not a new database for each of so many tests: each looks at its own mailboxes alone."""
    return common_database_url


async def rows(connection: Connection, mailbox: Recipient) -> list[Row]:
    async with connection.cursor(row_factory=class_row(Row)) as cursor:
        await cursor.execute(
            "SELECT seq, received_at, content FROM message WHERE mailbox_id = %s ORDER BY seq", [mailbox.mailbox_id]
        )
        return await cursor.fetchall()


async def counters(connection: Connection, mailbox: Recipient) -> Counters:
    async with connection.cursor(row_factory=class_row(Counters)) as cursor:
        await cursor.execute(
            "SELECT last_seq, message_count, stored_octets FROM mailbox WHERE id = %s", [mailbox.mailbox_id]
        )
        [row] = await cursor.fetchall()
        return row


async def read(connection: Connection, mailbox: Recipient, *, limit: int = 100, **since: object) -> list[Listed]:
    _, listed = await message_list.read(
        connection,
        address=mailbox.address,
        token_sha256=None,
        since=msgspec.convert(since, Cursor),
        limit=limit,
    )
    return listed


def with_text(text: str, mailbox: Recipient) -> IncomingMessage:
    """A message with this text."""
    plain = incoming_message(text.encode(), mailbox.mailbox_id)
    return msgspec.structs.replace(plain, parsed=msgspec.structs.replace(plain.parsed, text=text))


def unstorable(*mailbox_ids: int) -> IncomingMessage:
    """A message that Postgres refuses: its text type has no NUL, which MIME parsing always removes."""
    plain = incoming_message(b"unstorable", *mailbox_ids)
    return msgspec.structs.replace(plain, parsed=msgspec.structs.replace(plain.parsed, subject="\0"))


async def test_content_is_stored_to_the_octet(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    all_octets = bytes(range(256))
    contents = [all_octets, b"\0", b"", message(), b".\r\n..\r\n", b"\n\r\r\n\n", b"'\\x00\\", all_octets * 8_192]

    outcomes = await store.store_messages(
        connection, [incoming_message(content, mailbox.mailbox_id) for content in contents]
    )

    assert outcomes == [ONE_OF_ONE] * len(contents)
    assert [row.content for row in await rows(connection, mailbox)] == contents


async def test_seq_counts_from_1_without_a_gap(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()

    for batch in ([b"1", b"2", b"3"], [b"4"], [b"5", b"6"]):
        await store.store_messages(connection, [incoming_message(content, mailbox.mailbox_id) for content in batch])

    stored = [(row.seq, row.content) for row in await rows(connection, mailbox)]
    assert stored == [(1, b"1"), (2, b"2"), (3, b"3"), (4, b"4"), (5, b"5"), (6, b"6")]


async def test_each_mailbox_has_a_seq_of_its_own(connection: Connection, new_mailbox: NewMailbox) -> None:
    first, second = await new_mailbox(), await new_mailbox()

    await store.store_messages(
        connection, [incoming_message(b"1", first.mailbox_id), incoming_message(b"2", second.mailbox_id)]
    )

    assert [row.seq for row in await rows(connection, first)] == [1]
    assert [row.seq for row in await rows(connection, second)] == [1]


async def test_received_at_grows_with_seq_within_a_batch(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()

    await store.store_messages(
        connection, [incoming_message(b"%d" % number, mailbox.mailbox_id) for number in range(500)]
    )

    times = [row.received_at for row in await rows(connection, mailbox)]
    assert times == sorted(set(times))
    assert len(times) == 500


async def test_received_at_grows_with_seq_while_the_clock_stands_still(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    ahead = datetime.datetime(2200, 1, 1, tzinfo=datetime.UTC)
    await connection.execute("UPDATE mailbox SET last_received_at = %s", [ahead])

    for batch in ([b"1", b"2"], [b"3"], [b"4", b"5", b"6"]):
        await store.store_messages(connection, [incoming_message(content, mailbox.mailbox_id) for content in batch])

    microseconds = [
        (row.received_at - ahead) / datetime.timedelta(microseconds=1) for row in await rows(connection, mailbox)
    ]
    assert microseconds == [1, 2, 3, 4, 5, 6]


async def test_received_at_is_the_time_of_storing(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    clock = "SELECT clock_timestamp()"

    [(before,)] = await (await connection.execute(clock)).fetchall()
    await store.store_messages(connection, [incoming_message(b"1", mailbox.mailbox_id)])
    [(after,)] = await (await connection.execute(clock)).fetchall()

    [row] = await rows(connection, mailbox)
    assert before <= row.received_at <= after


async def test_a_message_to_many_is_stored_for_each(connection: Connection, new_mailbox: NewMailbox) -> None:
    first, second = await new_mailbox(), await new_mailbox()

    outcomes = await store.store_messages(connection, [incoming_message(b"1", first.mailbox_id, second.mailbox_id)])

    assert outcomes == [Outcome(live=2, stored=2)]
    assert [row.content for row in await rows(connection, first)] == [b"1"]
    assert [row.content for row in await rows(connection, second)] == [b"1"]


async def test_a_message_with_a_mailbox_named_twice_is_stored_there_once(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()

    outcomes = await store.store_messages(connection, [incoming_message(b"1", mailbox.mailbox_id, mailbox.mailbox_id)])

    assert outcomes == [Outcome(live=2, stored=1)]
    assert [row.seq for row in await rows(connection, mailbox)] == [1]


async def test_the_same_octets_twice_in_a_batch_are_one_message(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()

    outcomes = await store.store_messages(
        connection, [incoming_message(content, mailbox.mailbox_id) for content in (b"same", b"other", b"same", b"last")]
    )

    assert outcomes == [ONE_OF_ONE, ONE_OF_ONE, NONE_OF_ONE, ONE_OF_ONE]
    assert [(row.seq, row.content) for row in await rows(connection, mailbox)] == [
        (1, b"same"),
        (2, b"other"),
        (3, b"last"),
    ]


async def test_the_same_octets_in_two_batches_are_one_message(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(connection, [incoming_message(b"same", mailbox.mailbox_id)])

    outcomes = await store.store_messages(
        connection, [incoming_message(content, mailbox.mailbox_id) for content in (b"other", b"same", b"last")]
    )

    assert outcomes == [ONE_OF_ONE, NONE_OF_ONE, ONE_OF_ONE]
    assert [(row.seq, row.content) for row in await rows(connection, mailbox)] == [
        (1, b"same"),
        (2, b"other"),
        (3, b"last"),
    ]


async def test_the_same_octets_to_two_mailboxes_are_two_messages(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    first, second = await new_mailbox(), await new_mailbox()
    await store.store_messages(connection, [incoming_message(b"same", first.mailbox_id)])

    outcomes = await store.store_messages(connection, [incoming_message(b"same", first.mailbox_id, second.mailbox_id)])

    assert outcomes == [Outcome(live=2, stored=1)]
    assert [row.content for row in await rows(connection, second)] == [b"same"]


async def test_storing_a_message_again_leaves_the_counters_unchanged(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(connection, [incoming_message(b"same", mailbox.mailbox_id)])

    await store.store_messages(connection, [incoming_message(b"same", mailbox.mailbox_id)])

    assert await counters(connection, mailbox) == Counters(last_seq=1, message_count=1, stored_octets=4)


async def test_a_mailbox_counts_its_messages_and_their_octets(connection: Connection, new_mailbox: NewMailbox) -> None:
    first, second = await new_mailbox(), await new_mailbox()

    await store.store_messages(
        connection,
        [incoming_message(b"1", first.mailbox_id), incoming_message(b"22", first.mailbox_id, second.mailbox_id)],
    )
    await store.store_messages(
        connection, [incoming_message(b"1", first.mailbox_id), incoming_message(b"", second.mailbox_id)]
    )
    await store.store_messages(connection, [incoming_message(b"333", first.mailbox_id)])

    assert await counters(connection, first) == Counters(last_seq=3, message_count=3, stored_octets=6)
    assert await counters(connection, second) == Counters(last_seq=2, message_count=2, stored_octets=2)


@pytest.mark.parametrize(
    "end", ["UPDATE mailbox SET expires_at = now() WHERE id = %s", "DELETE FROM mailbox WHERE id = %s"]
)
async def test_an_expired_or_deleted_mailbox_gets_no_message_while_another_does(
    connection: Connection, new_mailbox: NewMailbox, end: str
) -> None:
    gone, neighbour = await new_mailbox(), await new_mailbox()
    await connection.execute(end.encode(), [gone.mailbox_id])

    outcomes = await store.store_messages(
        connection,
        [
            incoming_message(b"1", gone.mailbox_id),
            incoming_message(b"2", neighbour.mailbox_id),
            incoming_message(b"3", gone.mailbox_id, neighbour.mailbox_id),
        ],
    )

    assert outcomes == [Outcome(live=0, stored=0), ONE_OF_ONE, ONE_OF_ONE]
    assert [row.content for row in await rows(connection, gone)] == []
    assert [row.content for row in await rows(connection, neighbour)] == [b"2", b"3"]


async def test_a_message_that_postgres_refuses_fails_its_whole_batch(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox, neighbour = await new_mailbox(), await new_mailbox()

    with pytest.raises(psycopg.DataError):
        await store.store_messages(
            connection,
            [incoming_message(b"1", mailbox.mailbox_id, neighbour.mailbox_id), unstorable(neighbour.mailbox_id)],
        )

    for each in (mailbox, neighbour):
        assert await rows(connection, each) == []
        assert await counters(connection, each) == Counters(last_seq=0, message_count=0, stored_octets=0)


async def test_a_refused_batch_leaves_no_gap_in_the_seqs(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    with pytest.raises(psycopg.DataError):
        await store.store_messages(
            connection, [incoming_message(b"1", mailbox.mailbox_id), unstorable(mailbox.mailbox_id)]
        )

    await store.store_messages(connection, [incoming_message(b"1", mailbox.mailbox_id)])

    assert [row.seq for row in await rows(connection, mailbox)] == [1]


async def test_a_message_is_listed_as_it_was_parsed(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    content = (
        b"From: =?utf-8?q?J=C3=BCrgen?= <juergen@client.test>\r\nSubject: Your code\r\n"
        b"Date: Fri, 1 Mar 2024 12:30:00 +0200\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>It is 123456.</p>\r\n"
        b"--b\r\nContent-Type: image/png; name=a.png\r\nContent-ID: <1@client.test>\r\n\r\n1234\r\n--b--\r\n"
    )
    sent = incoming_message(content, mailbox.mailbox_id, reverse_path="bounces@client.test")
    await store.store_messages(connection, [sent])
    [row] = await rows(connection, mailbox)

    [listed] = await read(connection, mailbox)

    assert listed == Listed(
        id=sent.deliveries[0].id,
        seq=1,
        received_at=row.received_at,
        reverse_path="bounces@client.test",
        recipient=f"{mailbox.mailbox_id}@mx.test",
        from_header="Jürgen <juergen@client.test>",
        from_address="juergen@client.test",
        from_addresses=(Address(name="Jürgen", address="juergen@client.test"),),
        to_addresses=(),
        cc_addresses=(),
        reply_to_addresses=(),
        subject="Your code",
        date_header=datetime.datetime(2024, 3, 1, 10, 30, tzinfo=datetime.UTC),
        text="It is 123456.",
        is_cut=False,
        has_html=True,
        attachments=(
            Attachment(name="a.png", type="image/png", size=4, content_id="1@client.test", part="2", inline=True),
        ),
        codes=sent.parsed.codes,
        links=sent.parsed.links,
        attachments_omitted=0,
        links_omitted=0,
        seen=False,
        octets=len(content),
    )


async def test_an_empty_message_is_listed(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    await store.store_messages(connection, [incoming_message(b"", mailbox.mailbox_id, reverse_path="")])

    [listed] = await read(connection, mailbox)

    assert (listed.reverse_path, listed.subject, listed.text, listed.octets) == ("", "", "", 0)
    assert (listed.date_header, listed.has_html, listed.attachments) == (None, False, ())


@pytest.fixture
async def five(connection: Connection, new_mailbox: NewMailbox) -> Recipient:
    """A mailbox with five messages."""
    mailbox = await new_mailbox()
    await store.store_messages(connection, [with_text(f"text {number}", mailbox) for number in range(1, 6)])
    return mailbox


async def test_messages_are_read_oldest_first(connection: Connection, five: Recipient) -> None:
    listed = await read(connection, five)

    assert [(each.seq, each.text) for each in listed] == [(number, f"text {number}") for number in range(1, 6)]


async def test_messages_are_read_after_a_seq(connection: Connection, five: Recipient) -> None:
    listed = await read(connection, five, seq=3)

    assert [each.seq for each in listed] == [4, 5]


async def test_messages_are_read_after_a_time(connection: Connection, five: Recipient) -> None:
    received_at = (await rows(connection, five))[2].received_at

    listed = await read(connection, five, received_at=received_at)

    assert [each.seq for each in listed] == [4, 5]


async def test_messages_are_read_after_a_seq_and_a_time(connection: Connection, five: Recipient) -> None:
    received_at = (await rows(connection, five))[1].received_at

    listed = await read(connection, five, seq=3, received_at=received_at)

    assert [each.seq for each in listed] == [4, 5]


async def test_the_oldest_messages_are_read_up_to_the_limit(connection: Connection, five: Recipient) -> None:
    listed = await read(connection, five, seq=1, limit=2)

    assert [each.seq for each in listed] == [2, 3]


async def test_nothing_is_read_after_the_newest(connection: Connection, five: Recipient) -> None:
    listed = await read(connection, five, seq=5)

    assert listed == []


async def test_the_mailbox_is_returned_with_its_messages(connection: Connection, five: Recipient) -> None:
    mailbox, _ = await message_list.read(
        connection, address=five.address, token_sha256=None, since=Cursor(seq=5), limit=1
    )

    assert mailbox == await mailboxes.fetch(connection, address=five.address, token_sha256=None)
    assert mailbox.last_seq == 5


async def test_the_messages_of_another_mailbox_are_not_read(
    connection: Connection, new_mailbox: NewMailbox, five: Recipient
) -> None:
    mailbox = await new_mailbox()

    listed = await read(connection, mailbox)

    assert listed == []


LIMIT = LISTED_TEXT_OCTETS


async def test_text_over_64_kib_is_cut_at_the_last_whole_character(
    connection: Connection, new_mailbox: NewMailbox
) -> None:
    mailbox = await new_mailbox()
    octets_kept = {
        "a" * (LIMIT + 1): LIMIT,
        "a" * 1_048_576: LIMIT,
        "ä" * LIMIT: LIMIT,
        "a" + "ä" * LIMIT: LIMIT - 1,
        "€" * 30_000: LIMIT - 1,
        "😀" * 20_000: LIMIT,
        "aaa" + "😀" * 20_000: LIMIT - 1,
        "a" * (LIMIT - 3) + "😀": LIMIT - 3,
    }
    await store.store_messages(connection, [with_text(text, mailbox) for text in octets_kept])

    listed = await read(connection, mailbox)

    assert [each.is_cut for each in listed] == [True] * len(octets_kept)
    assert [len(each.text.encode()) for each in listed] == list(octets_kept.values())
    assert all(text.startswith(each.text) for text, each in zip(octets_kept, listed, strict=True))


async def test_text_of_64_kib_is_not_cut(connection: Connection, new_mailbox: NewMailbox) -> None:
    mailbox = await new_mailbox()
    texts = ["a" * LIMIT, "ä" * (LIMIT // 2), "😀" * (LIMIT // 4)]
    await store.store_messages(connection, [with_text(text, mailbox) for text in texts])

    listed = await read(connection, mailbox)

    assert [(each.text, each.is_cut) for each in listed] == [(text, False) for text in texts]


async def test_an_expired_mailbox_is_not_read(connection: Connection, five: Recipient) -> None:
    await connection.execute("UPDATE mailbox SET expires_at = now()")

    with pytest.raises(MailboxNotFound):
        await read(connection, five)


async def test_an_unknown_mailbox_is_not_read(connection: Connection) -> None:
    with pytest.raises(MailboxNotFound):
        await read(connection, Recipient(address="never@mx.test", mailbox_id=0, message_count=0, stored_octets=0))


@pytest.mark.parametrize("token_sha256", [None, b"u" * 32], ids=["without a token", "with another token"])
async def test_a_private_mailbox_is_not_read(
    connection: Connection, five: Recipient, token_sha256: bytes | None
) -> None:
    await connection.execute("UPDATE mailbox SET token_sha256 = %s", [TOKEN])

    with pytest.raises(MailboxNotFound):
        await message_list.read(connection, address=five.address, token_sha256=token_sha256, since=Cursor(), limit=1)


async def test_a_private_mailbox_is_read_with_its_token(connection: Connection, five: Recipient) -> None:
    await connection.execute("UPDATE mailbox SET token_sha256 = %s", [TOKEN])

    _, listed = await message_list.read(connection, address=five.address, token_sha256=TOKEN, since=Cursor(), limit=1)

    assert [each.seq for each in listed] == [1]


def test_a_new_id_is_a_uuid_of_version_7() -> None:
    identifier = new_id()

    assert (identifier.version, identifier.variant) == (7, uuid.RFC_4122)


def test_new_ids_are_all_different() -> None:
    identifiers = {new_id() for _ in range(10_000)}

    assert len(identifiers) == 10_000
