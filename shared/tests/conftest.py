"""Connections to a test's own database, mailboxes in it, and a Postgres that a test may stop."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import psycopg
import pytest
from postgres import EmbeddedPostgres, throw_away

from fake_email.errors import MessageNotFound
from fake_email.postgres.connection import Connection
from fake_email.postgres.pool import open_database
from fake_email.storage import mailboxes, message, recipients
from fake_email.storage.recipients import Recipient


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def another(database_url: str) -> AsyncIterator[Connection]:
    """A second connection."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def watcher(database_url: str) -> Iterator[psycopg.Connection]:
    """A blocking connection, which looks on while the others wait."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def new_mailbox(connection: Connection) -> Callable[[], Awaitable[Recipient]]:
    """Creates a mailbox, and returns it."""

    async def create() -> Recipient:
        address = f"{uuid.uuid4().hex}@mx.test"
        await mailboxes.create(connection, address=address, ttl_seconds=3_600, token_sha256=None)
        return (await recipients.find(connection, [address]))[address]

    return create


@pytest.fixture
async def assert_message_not_found(
    connection: Connection, database_url: str
) -> AsyncIterator[Callable[[uuid.UUID, bytes | None], Awaitable[None]]]:
    """Asserts that with a token a message can be neither fetched, nor marked as seen, nor deleted."""

    async def assert_not_found(message_id: uuid.UUID, token_sha256: bytes | None) -> None:
        with pytest.raises(MessageNotFound):
            await message.fetch(database, message_id, token_sha256=token_sha256)
        with pytest.raises(MessageNotFound):
            await message.mark_seen(connection, message_id, token_sha256=token_sha256, seen=True)
        with pytest.raises(MessageNotFound):
            await message.delete(connection, message_id, token_sha256=token_sha256)

    async with open_database(database_url, connections=1) as database:
        yield assert_not_found


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """A Postgres that a test may stop and start again."""
    with throw_away() as server:
        yield server
