"""Messages that are taken: each by one caller, together with those asked for with it, or not at all."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest
from support.database import heard, incoming_message

from fake_email.errors import MessageNotFound
from fake_email.postgres.connection import ANSWER_SECONDS, Connection, Result, TimedConnection
from fake_email.postgres.lane import Lane
from fake_email.postgres.notifications import Marked
from fake_email.postgres.pool import Database, open_database
from fake_email.storage import message as stored_message
from fake_email.storage import store, taking
from fake_email.storage.recipients import Recipient
from fake_email.storage.taking import Taken


@pytest.fixture
async def mailbox(new_mailbox: Callable[[], Awaitable[Recipient]]) -> Recipient:
    return await new_mailbox()


async def put(connection: Connection, mailbox: Recipient, subject: str = "S") -> uuid.UUID:
    """Store a message and return its id."""
    incoming = incoming_message(f"Subject: {subject}\r\n\r\nText.\r\n".encode(), mailbox.mailbox_id)
    await store.store_messages(connection, [incoming])
    return incoming.deliveries[0].id


async def take_one(
    database: Database, mailbox: Recipient, message_id: uuid.UUID, *seqs: int, most_octets: int = 1_000_000
) -> Taken:
    """Take the message with this id and the seq 1, or the first of these seqs, and the others with it."""
    return await taking.take(
        database,
        mailbox.mailbox_id,
        seqs=seqs or [1],
        first_id=message_id,
        token_sha256=None,
        most_octets=most_octets,
    )


async def test_a_message_is_taken_once_and_its_mark_is_notified(
    connection: Connection, another: Connection, mailbox: Recipient, database_url: str
) -> None:
    message_id = await put(connection, mailbox)
    await another.execute(f"LISTEN {Marked.CHANNEL}")

    async with open_database(database_url, connections=4) as database:
        takes = [take_one(database, mailbox, message_id) for _ in range(4)]
        taken, *refused = sorted(await asyncio.gather(*takes, return_exceptions=True), key=type_name, reverse=True)

    assert isinstance(taken, Taken)
    assert taken.first.listed.seen
    assert [type(each) for each in refused] == [MessageNotFound] * 3
    assert await heard(another, Marked.CHANNEL) == [f"{mailbox.mailbox_id}:1:{message_id}:1"]


async def lose_first_commit(connection: Connection, *, when: str) -> None:
    """Make the session that is the first to take a message end at its commit, under this condition of plpgsql."""
    await connection.execute("CREATE SEQUENCE attempts")
    await connection.execute(f"""
        CREATE FUNCTION lose_first() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('attempts') = 1 THEN
                {when}
                PERFORM pg_terminate_backend(pg_backend_pid());
            END IF;
            RETURN NULL;
        END
        $$
    """)
    await connection.execute("""
        CREATE CONSTRAINT TRIGGER lose_first AFTER UPDATE ON message DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION lose_first()
    """)


async def test_a_take_whose_connection_is_lost_before_the_commit_takes_the_message_on_another(
    connection: Connection, mailbox: Recipient, database_url: str
) -> None:
    message_id = await put(connection, mailbox)
    await lose_first_commit(connection, when="")

    async with open_database(database_url, connections=2) as database:
        taken = await take_one(database, mailbox, message_id)

    assert taken.first.listed.seen


async def test_a_take_whose_connection_is_lost_before_the_commit_leaves_the_message_to_a_call_that_was_faster(
    connection: Connection, mailbox: Recipient, database_url: str
) -> None:
    message_id = await put(connection, mailbox)
    another_call_waits = """
        FOR _ IN 1..50 LOOP
            EXIT WHEN EXISTS (
                SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
            );
            PERFORM pg_sleep(0.01);
        END LOOP;
    """
    await lose_first_commit(connection, when=another_call_waits)

    async with open_database(database_url, connections=2) as database:
        takes = [take_one(database, mailbox, message_id) for _ in range(2)]
        found = sorted(map(type_name, await asyncio.gather(*takes, return_exceptions=True)))

    assert found == ["MessageNotFound", "Taken"]


class LosesFirstAnswer(Database):
    """A database that runs each work again on another connection, as after a commit whose answer is lost."""

    async def write(
        self,
        work: Callable[[TimedConnection], Awaitable[Result]],
        *,
        answer_seconds: float = ANSWER_SECONDS,
        lane: Lane | None = None,
    ) -> Result:
        await super().write(work, answer_seconds=answer_seconds, lane=lane)
        return await super().write(work, answer_seconds=answer_seconds, lane=lane)


async def test_a_take_whose_connection_is_lost_after_the_commit_finds_its_own_mark(
    connection: Connection, mailbox: Recipient, database_url: str
) -> None:
    message_id = await put(connection, mailbox)

    async with LosesFirstAnswer(database_url, connections=1).opened() as database:
        taken = await take_one(database, mailbox, message_id)
        with pytest.raises(MessageNotFound):
            await take_one(database, mailbox, message_id)

    assert [each.seq for each in taken.listed] == [1]


async def test_messages_are_taken_together_or_not_at_all(
    connection: Connection, mailbox: Recipient, database_url: str
) -> None:
    ids = [await put(connection, mailbox, str(number)) for number in range(3)]
    await stored_message.mark_seen(connection, ids[1], token_sha256=None, seen=True)

    async with open_database(database_url, connections=1) as database:
        with pytest.raises(MessageNotFound):
            await take_one(database, mailbox, ids[0], 1, 2, 3)
        unseen = await taking.unseen(connection, mailbox.mailbox_id, seqs=[1, 2, 3])
        taken = await take_one(database, mailbox, ids[0], 1, 3)

    assert unseen == {1, 3}
    assert [(each.seq, each.seen) for each in taken.listed] == [(1, True), (3, True)]
    assert await taking.unseen(connection, mailbox.mailbox_id, seqs=[1, 2, 3]) == set()


async def test_a_message_that_does_not_fit_into_the_response_is_not_taken(
    connection: Connection, mailbox: Recipient, database_url: str
) -> None:
    ids = [await put(connection, mailbox, str(number)) for number in range(2)]

    async with open_database(database_url, connections=1) as database:
        taken = await take_one(database, mailbox, ids[0], 1, 2, most_octets=1)

    assert [each.seq for each in taken.listed] == [1]
    assert await taking.unseen(connection, mailbox.mailbox_id, seqs=[1, 2]) == {2}


def type_name(found: object) -> str:
    return type(found).__name__
