"""The token of whoever runs the service, which alone reads the mail for postmaster and abuse."""

import hashlib
import os
import subprocess

import pytest
from support.harness import COMMANDS, DOMAINS

from fake_email.errors import MailboxNotFound
from fake_email.postgres.connection import Connection
from fake_email.storage import mailboxes


def new_token(database_url: str) -> str:
    """What `fake-email operator-token` prints."""
    ended = subprocess.run(
        [COMMANDS / "fake-email", "operator-token"],
        env=os.environ | {"DATABASE_URL": database_url, "DOMAIN": ",".join(DOMAINS)},
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert ended.stderr == ""
    return ended.stdout.removesuffix("\n")


async def is_read_by(connection: Connection, token: str, address: str) -> bool:
    try:
        await mailboxes.fetch(connection, address=address, token_sha256=hashlib.sha256(token.encode()).digest())
    except MailboxNotFound:
        return False
    return True


@pytest.mark.parametrize(
    "address", ["postmaster@mx.test", "abuse@mx.test", "postmaster@other.test", "abuse@other.test"]
)
async def test_the_token_reads_the_operators_mailboxes_of_every_domain(
    connection: Connection, database_url: str, address: str
) -> None:
    token = new_token(database_url)

    assert await is_read_by(connection, token, address)


async def test_a_new_token_ends_the_one_before(connection: Connection, database_url: str) -> None:
    before = new_token(database_url)
    after = new_token(database_url)

    assert [await is_read_by(connection, token, "abuse@mx.test") for token in (before, after)] == [False, True]
