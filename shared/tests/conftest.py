"""A test's own connections to its database, and mailboxes in it."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import psycopg
import pytest
from postgres import EmbeddedPostgres, throw_away

from fake_email.postgres.connection import Connection
from fake_email.storage import mailboxes
from fake_email.storage.mailboxes import Recipient


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
    """One that is never waited with."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def new_mailbox(connection: Connection) -> Callable[[], Awaitable[Recipient]]:
    """Makes a mailbox."""

    async def make() -> Recipient:
        address = f"{uuid.uuid4().hex}@mx.test"
        await mailboxes.create(connection, address=address, ttl_seconds=3_600, token_sha256=None)
        found = await mailboxes.find_recipients(connection, [address])
        return found[address]

    return make


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """A Postgres that a test may stop, and starts again."""
    with throw_away() as server:
        yield server
