"""The mailboxes that RCPT finds, with the counters of their quotas."""

from support.database import incoming_message

from fake_email.postgres.connection import Connection
from fake_email.storage import mailboxes, recipients, store
from fake_email.storage.recipients import Recipient

ADDRESS = "reader@mx.test"


async def create(
    connection: Connection, address: str = ADDRESS, *, ttl_seconds: int = 60, token_sha256: bytes | None = None
) -> None:
    await mailboxes.create(connection, address=address, ttl_seconds=ttl_seconds, token_sha256=token_sha256)


async def test_only_live_mailboxes_are_recipients(connection: Connection) -> None:
    await create(connection, "live@mx.test")
    await create(connection, "private@mx.test", token_sha256=b"t" * 32)
    await create(connection, "expired@mx.test", ttl_seconds=0)
    await create(connection, "not-asked-for@mx.test")

    found = await recipients.find(connection, ["live@mx.test", "private@mx.test", "expired@mx.test", "never@mx.test"])

    assert sorted(found) == ["live@mx.test", "private@mx.test"]


async def test_a_recipient_has_the_counters_of_its_mailbox(connection: Connection) -> None:
    await create(connection)
    mailbox = await mailboxes.fetch(connection, address=ADDRESS, token_sha256=None)
    await store.store_messages(
        connection, [incoming_message(b"a" * 150, mailbox.id), incoming_message(b"b" * 50, mailbox.id)]
    )

    found = await recipients.find(connection, [ADDRESS])

    assert found == {ADDRESS: Recipient(address=ADDRESS, mailbox_id=mailbox.id, message_count=2, stored_octets=200)}


async def test_without_addresses_no_recipient_is_found(connection: Connection) -> None:
    await create(connection)

    assert await recipients.find(connection, []) == {}
