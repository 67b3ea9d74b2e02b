"""Mailboxes: creation and expiry, tokens, look-ups by address, quotas of role mailboxes."""

import datetime
import hashlib

import psycopg
import pytest
from support.database import incoming_message

from fake_email.errors import AddressTaken, MailboxNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import open_database
from fake_email.storage import mailboxes, recipients, role_mailboxes, store
from fake_email.storage.store import Quota

ADDRESS = "reader@mx.test"
TOKEN = b"t" * 32


async def create(
    connection: Connection, address: str = ADDRESS, *, ttl_seconds: int = 60, token_sha256: bytes | None = None
) -> datetime.datetime:
    return await mailboxes.create(connection, address=address, ttl_seconds=ttl_seconds, token_sha256=token_sha256)


async def test_a_new_mailbox_is_found_and_empty(connection: Connection) -> None:
    await create(connection)

    mailbox = await mailboxes.fetch(connection, address=ADDRESS, token_sha256=None)

    assert mailbox.last_seq == 0


async def test_a_mailbox_expires_after_the_given_time(connection: Connection) -> None:
    async with connection.transaction():
        expires_at = await create(connection, ttl_seconds=90)
        cursor = await connection.execute("SELECT now()")

        [(now,)] = await cursor.fetchall()

    assert expires_at - now == datetime.timedelta(seconds=90)


async def test_create_returns_the_expiry_that_is_stored(connection: Connection) -> None:
    returned = await create(connection)

    mailbox = await mailboxes.fetch(connection, address=ADDRESS, token_sha256=None)

    assert mailbox.expires_at == returned


async def test_an_address_in_use_is_taken(connection: Connection) -> None:
    await create(connection)

    with pytest.raises(AddressTaken):
        await create(connection)


async def test_the_address_of_an_expired_mailbox_is_taken(connection: Connection) -> None:
    await create(connection, ttl_seconds=0)

    with pytest.raises(AddressTaken):
        await create(connection)


async def test_a_refused_create_leaves_the_mailbox_unchanged(connection: Connection) -> None:
    expires_at = await create(connection, token_sha256=TOKEN)

    with pytest.raises(AddressTaken):
        await create(connection, ttl_seconds=600)

    mailbox = await mailboxes.fetch(connection, address=ADDRESS, token_sha256=TOKEN)
    assert mailbox.expires_at == expires_at


async def test_creating_a_private_mailbox_again_with_its_token_returns_the_same_expiry(connection: Connection) -> None:
    expires_at = await create(connection, token_sha256=TOKEN)

    assert await create(connection, ttl_seconds=600, token_sha256=TOKEN) == expires_at
    with pytest.raises(AddressTaken):
        await create(connection, token_sha256=b"u" * 32)


async def test_a_create_that_runs_again_after_a_lost_connection_succeeds_with_the_same_token(database_url: str) -> None:
    created: list[datetime.datetime] = []

    async def create_and_disconnect_once(connection: Connection) -> datetime.datetime:
        created.append(await create(connection, token_sha256=TOKEN))
        if len(created) == 1:
            await connection.close()
            await connection.execute("SELECT 1")
        return created[-1]

    async with open_database(database_url, connections=1) as database:
        returned = await database.run(create_and_disconnect_once)

    assert created == [returned, returned]


async def test_an_expired_private_mailbox_is_not_created_again_with_its_token(connection: Connection) -> None:
    await create(connection, ttl_seconds=0, token_sha256=TOKEN)

    with pytest.raises(AddressTaken):
        await create(connection, token_sha256=TOKEN)


async def test_an_address_in_upper_case_is_refused_by_the_table(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="mailbox_address_lower_case"):
        await create(connection, "Reader@mx.test")


async def test_an_unknown_address_has_no_mailbox(connection: Connection) -> None:
    with pytest.raises(MailboxNotFound):
        await mailboxes.fetch(connection, address=ADDRESS, token_sha256=None)


async def test_an_expired_mailbox_is_not_found(connection: Connection) -> None:
    await create(connection, ttl_seconds=0)

    with pytest.raises(MailboxNotFound):
        await mailboxes.fetch(connection, address=ADDRESS, token_sha256=None)


async def test_an_expired_private_mailbox_is_not_found_with_its_token(connection: Connection) -> None:
    await create(connection, ttl_seconds=0, token_sha256=TOKEN)

    with pytest.raises(MailboxNotFound):
        await mailboxes.fetch(connection, address=ADDRESS, token_sha256=TOKEN)


async def test_a_private_mailbox_opens_with_its_token(connection: Connection) -> None:
    await create(connection, token_sha256=TOKEN)

    mailbox = await mailboxes.fetch(connection, address=ADDRESS, token_sha256=TOKEN)

    assert mailbox.token_sha256 == TOKEN


async def test_a_private_mailbox_opens_with_no_other_token(connection: Connection) -> None:
    await create(connection, token_sha256=TOKEN)

    for token_sha256 in (None, b"", b"u" * 32, TOKEN[:-1], TOKEN + b"t"):
        with pytest.raises(MailboxNotFound):
            await mailboxes.fetch(connection, address=ADDRESS, token_sha256=token_sha256)


async def test_an_open_mailbox_opens_with_any_token(connection: Connection) -> None:
    await create(connection)

    mailbox = await mailboxes.fetch(connection, address=ADDRESS, token_sha256=TOKEN)

    assert mailbox.token_sha256 is None


async def test_only_the_operators_token_opens_the_role_mailboxes(connection: Connection) -> None:
    await role_mailboxes.create(connection, ["mx.test"])
    await role_mailboxes.set_token(connection, ["mx.test"], "the operator's")

    mailbox = await mailboxes.fetch(
        connection, address="abuse@mx.test", token_sha256=hashlib.sha256(b"the operator's").digest()
    )

    assert mailbox.expires_at.year == 9000
    for token_sha256 in (None, TOKEN):
        with pytest.raises(MailboxNotFound):
            await mailboxes.fetch(connection, address="abuse@mx.test", token_sha256=token_sha256)


async def test_before_the_operator_has_a_token_no_token_opens_the_role_mailboxes(connection: Connection) -> None:
    await role_mailboxes.create(connection, ["mx.test"])

    for token_sha256 in (None, hashlib.sha256(b"").digest()):
        with pytest.raises(MailboxNotFound):
            await mailboxes.fetch(connection, address="postmaster@mx.test", token_sha256=token_sha256)


async def test_the_role_mailboxes_of_a_later_domain_have_the_same_token(connection: Connection) -> None:
    await role_mailboxes.create(connection, ["mx.test"])
    await role_mailboxes.set_token(connection, ["mx.test"], "the operator's")

    await role_mailboxes.create(connection, ["mx.test", "later.test"])

    mailbox = await mailboxes.fetch(
        connection, address="postmaster@later.test", token_sha256=hashlib.sha256(b"the operator's").digest()
    )
    assert mailbox.last_seq == 0


@pytest.mark.parametrize(
    ("quota_messages", "quota_octets", "kept"),
    [
        (5, 1_000, [b"a", b"b", b"c"]),
        (2, 1_000, [b"b", b"c"]),
        (5, 250, [b"b", b"c"]),
        (5, 10, [b"c"]),
        (1, 10, [b"c"]),
    ],
)
async def test_messages_beyond_the_quota_are_dropped_oldest_first(
    connection: Connection, quota_messages: int, quota_octets: int, kept: list[bytes]
) -> None:
    await create(connection)
    mailbox = await mailboxes.fetch(connection, address=ADDRESS, token_sha256=None)
    await store.store_messages(
        connection, [incoming_message(letter * 100, mailbox.id) for letter in (b"a", b"b", b"c")]
    )

    quota = Quota(messages=quota_messages, octets=quota_octets)
    await role_mailboxes.drop_oldest(connection, [mailbox.id], quota)

    cursor = await connection.execute("SELECT content FROM message ORDER BY seq")
    assert [content for (content,) in await cursor.fetchall()] == [letter * 100 for letter in kept]
    [recipient] = (await recipients.find(connection, [ADDRESS])).values()
    assert (recipient.message_count, recipient.stored_octets) == (len(kept), len(kept) * 100)


async def test_fetch_many_finds_the_addresses_that_have_a_live_mailbox(connection: Connection) -> None:
    await create(connection)
    await create(connection, "private@mx.test", token_sha256=TOKEN)
    await create(connection, "expired@mx.test", ttl_seconds=0)

    found = await mailboxes.fetch_many(connection, [ADDRESS, "private@mx.test", "expired@mx.test", "missing@mx.test"])

    assert {address: each.token_sha256 for address, each in found.items()} == {ADDRESS: None, "private@mx.test": TOKEN}


async def test_fetch_many_has_the_seq_and_the_time_of_the_newest_message(connection: Connection) -> None:
    await create(connection)
    before = (await mailboxes.fetch_many(connection, [ADDRESS]))[ADDRESS]

    await store.store_messages(connection, [incoming_message(b"Subject: 1\r\n\r\n", before.id)])
    after = (await mailboxes.fetch_many(connection, [ADDRESS]))[ADDRESS]

    assert (before.last_seq, before.last_received_at) == (0, None)
    assert after.last_seq == 1
    assert after.last_received_at is not None
