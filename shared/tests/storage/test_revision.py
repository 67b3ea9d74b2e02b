"""The revision of a mailbox, which changes with each change of what a list of its messages shows."""

import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from support.database import CHECKED, incoming_message

import fake_email
from fake_email import storage
from fake_email.postgres.connection import Connection
from fake_email.storage import mailboxes, many_messages, message, role_mailboxes, staging, store, verdicts
from fake_email.storage.incoming_message import Delivery
from fake_email.storage.recipients import Recipient
from fake_email.storage.store import Quota

CONTENTS = [b"Subject: %d\r\n\r\nText.\r\n" % number for number in range(3)]
CHANGES_A_MESSAGE = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) message\b")
# The statements that change a message without its mailbox, and why a list cannot show that.
OTHERS = {
    "purge_batch._DELETE_MESSAGES": "of mailboxes that have expired; those that keep some messages never live again",
    "purge_batch._DELETE_MESSAGES_ONLY": "of mailboxes that expired a minute ago",
    "staging._MOVE": "in the transaction that stores the message",
    "verdicts._STORE": "no list shows the verdict",
}

Change = Callable[[Connection, Recipient, Delivery], Awaitable[object]]


async def store_one(connection: Connection, mailbox: Recipient, _first: Delivery) -> None:
    await store.store_messages(connection, [incoming_message(b"one", mailbox.mailbox_id)])


async def store_many(connection: Connection, mailbox: Recipient, _first: Delivery) -> None:
    await store.store_messages(connection, [incoming_message(each, mailbox.mailbox_id) for each in (b"two", b"three")])


async def store_staged(connection: Connection, mailbox: Recipient, _first: Delivery) -> None:
    staged_id = await staging.put(connection, b"staged")
    incoming = incoming_message(b"staged", mailbox.mailbox_id)
    await store.store_messages(connection, [msgspec.structs.replace(incoming, content=b"", staged_id=staged_id)])


async def mark(connection: Connection, _mailbox: Recipient, first: Delivery) -> None:
    await message.mark_seen(connection, first.id, token_sha256=None, seen=True)


async def mark_many(connection: Connection, mailbox: Recipient, _first: Delivery) -> None:
    await many_messages.mark(connection, mailbox.mailbox_id, [1, 2], seen=True)


async def delete(connection: Connection, _mailbox: Recipient, first: Delivery) -> None:
    await message.delete(connection, first.id, token_sha256=None)


async def delete_many(connection: Connection, mailbox: Recipient, _first: Delivery) -> None:
    await many_messages.delete(connection, mailbox.mailbox_id, [1, 2])


async def drop(connection: Connection, mailbox: Recipient, _first: Delivery) -> None:
    await role_mailboxes.drop_oldest(connection, [mailbox.mailbox_id], Quota(messages=2, octets=1_000_000))


async def revision(connection: Connection, mailbox: Recipient) -> str:
    return (await mailboxes.fetch_many(connection, [mailbox.address]))[mailbox.address].revision


@pytest.fixture
async def mailbox(new_mailbox: Callable[[], Awaitable[Recipient]]) -> Recipient:
    return await new_mailbox()


@pytest.fixture
async def first(connection: Connection, mailbox: Recipient) -> Delivery:
    """The first of three messages in the mailbox."""
    incoming = [incoming_message(each, mailbox.mailbox_id) for each in CONTENTS]
    await store.store_messages(connection, incoming)
    return incoming[0].deliveries[0]


@pytest.mark.parametrize("change", [store_one, store_many, store_staged, mark, mark_many, delete, delete_many, drop])
async def test_each_change_of_the_messages_changes_the_revision(
    connection: Connection, mailbox: Recipient, first: Delivery, change: Change
) -> None:
    before = await revision(connection, mailbox)

    await change(connection, mailbox, first)

    assert await revision(connection, mailbox) != before


async def test_the_revision_stays_while_no_message_changes(
    connection: Connection, another: Connection, mailbox: Recipient, first: Delivery
) -> None:
    before = await revision(connection, mailbox)
    await verdicts.store(connection, first.id, CHECKED)
    await connection.execute("SELECT FROM mailbox WHERE id = %s FOR UPDATE", [mailbox.mailbox_id])

    assert await revision(another, mailbox) == before


async def test_the_revision_names_the_server_since_another_one_may_use_its_numbers_again(
    connection: Connection, mailbox: Recipient
) -> None:
    cursor = await connection.execute("SELECT extract(epoch FROM pg_postmaster_start_time())::text")
    [[started_at]] = await cursor.fetchall()

    assert (await revision(connection, mailbox)).endswith(f"-{started_at}")


def test_each_statement_that_changes_a_message_updates_its_mailbox_in_the_same_transaction() -> None:
    found = dict(_statements())
    sources = Path(fake_email.__path__[0]).rglob("*.py")

    assert len(found) == sum(len(CHANGES_A_MESSAGE.findall(each.read_text())) for each in sources)
    assert {name for name, text in found.items() if "UPDATE mailbox" not in text} == OTHERS.keys()


def _statements() -> list[tuple[str, str]]:
    """The statements of the package that change messages, and their names."""
    return [
        (f"{module.name}.{name}", value)
        for module in pkgutil.iter_modules(storage.__path__)
        for name, value in vars(importlib.import_module(f"fake_email.storage.{module.name}")).items()
        if isinstance(value, str) and CHANGES_A_MESSAGE.search(value)
    ]
