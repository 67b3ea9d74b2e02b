"""The operator's token, which alone opens the role mailboxes."""

import hashlib
import os
import subprocess

import pytest
from support.harness import COMMANDS, DOMAINS

from fake_email.errors import MailboxNotFound
from fake_email.postgres.connection import Connection
from fake_email.storage import mailboxes


def new_token(database_url: str) -> str:
    """The token that `fake-email operator-token` prints."""
    completed = subprocess.run(
        [COMMANDS / "fake-email", "operator-token"],
        env=os.environ | {"DATABASE_URL": database_url, "DOMAIN": ",".join(DOMAINS)},
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert completed.stderr == ""
    return completed.stdout.removesuffix("\n")


async def opens(connection: Connection, token: str, address: str) -> bool:
    try:
        await mailboxes.fetch(connection, address=address, token_sha256=hashlib.sha256(token.encode()).digest())
    except MailboxNotFound:
        return False
    return True


@pytest.mark.parametrize(
    "address", ["postmaster@mx.test", "abuse@mx.test", "postmaster@other.test", "abuse@other.test"]
)
async def test_the_token_opens_the_role_mailboxes_of_every_domain(
    connection: Connection, database_url: str, address: str
) -> None:
    token = new_token(database_url)

    assert await opens(connection, token, address)


async def test_a_new_token_revokes_the_old_one(connection: Connection, database_url: str) -> None:
    old = new_token(database_url)
    new = new_token(database_url)

    assert [await opens(connection, token, "abuse@mx.test") for token in (old, new)] == [False, True]
