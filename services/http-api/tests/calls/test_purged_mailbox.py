"""http-api deletes expired mailboxes by itself."""

import psycopg
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair
from support.waiting import until


async def test_a_mailbox_is_deleted_from_the_table_soon_after_it_expired(own_pair: Pair, database_url: str) -> None:
    own_pair.start_http(HTTP_WORKERS="2")
    address = make_mailbox(database_url, lives="2 seconds")
    await store(database_url, address, message())

    with psycopg.connect(database_url, autocommit=True) as connection:
        await until(lambda: connection.execute("SELECT count(*) FROM mailbox").fetchone() == (0,))
        messages = connection.execute("SELECT count(*) FROM message").fetchone()

    assert messages == (0,)


async def test_a_purge_is_logged_without_addresses(own_pair: Pair, database_url: str) -> None:
    address = make_mailbox(database_url, lives="0 seconds")
    service = own_pair.start_http()

    event = service.wait_for_event("mailboxes_purged")

    assert (event["mailboxes"], event["messages"]) == (1, 0)
    assert address not in service.log.read_text()
