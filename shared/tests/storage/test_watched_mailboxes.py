"""The newest seq of mailboxes that streams and waiting calls watch."""

from collections.abc import Awaitable, Callable

from support.database import incoming_message

from fake_email.postgres.connection import Connection
from fake_email.storage import store, watched_mailboxes
from fake_email.storage.recipients import Recipient


async def test_newest_seqs_has_the_last_seq_of_each_live_mailbox(
    connection: Connection, new_mailbox: Callable[[], Awaitable[Recipient]]
) -> None:
    with_mail, without = [(await new_mailbox()).mailbox_id for _ in range(2)]
    await store.store_messages(connection, [incoming_message(b"one", with_mail), incoming_message(b"two", with_mail)])

    newest = await watched_mailboxes.newest_seqs(connection, [with_mail, without, with_mail + without + 1])

    assert newest == {with_mail: 2, without: 0}
