"""The page tells who sent an open message: while the check goes on, and when it has ended."""

import psycopg
from support.database import end_check, incoming_message
from support.harness import Pair
from support.visitor import CODE, Visitor

from fake_email.authentication import Authentication, DmarcResult, Verdict
from fake_email.storage import store

REFUTED = Verdict(
    authentication=Authentication(
        status="checked",
        dmarc=DmarcResult(
            result="fail", reason="neither SPF nor DKIM confirms it", domain="acme.test", policy="reject"
        ),
    )
)


async def put(pair: Pair, address: str, content: bytes) -> str:
    """Store a message whose check has not ended; returns its id."""
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        found = await (await connection.execute("SELECT id FROM mailbox WHERE address = %s", [address])).fetchone()
        assert found
        incoming = incoming_message(content, found[0])
        await store.store_messages(connection, [incoming])
    return str(incoming.deliveries[0].id)


async def test_the_line_about_the_sender_follows_the_check(visitor: Visitor, pair: Pair) -> None:
    message_id = await put(pair, await visitor.address(), CODE)
    await visitor.click("Unread: Confirm your sign-up")
    await visitor.sees("The sender is being checked")

    await end_check(pair.database_url, message_id, REFUTED)

    await visitor.sees("Not confirmed: this may not be from acme.test")
    await visitor.click("Not confirmed: this may not be from acme.test")
    await visitor.sees("neither SPF nor DKIM confirms it")
