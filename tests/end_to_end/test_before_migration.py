"""Services that start before the first migration: they defer mail, and need no restart after it."""

from pathlib import Path

import psycopg
from support.content import message
from support.database import MIGRATIONS
from support.harness import Pair
from support.http_client import client
from support.smtp_client import SmtpClient

from fake_email.postgres import migrate


def apply_migrations(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        migrate.migrate(connection, migrate.read(MIGRATIONS))


async def test_mail_is_deferred_before_the_first_migration_and_accepted_after_it(
    empty_database_url: str, tmp_path: Path
) -> None:
    pair = Pair(empty_database_url, tmp_path)
    try:
        pair.start_smtp()
        async with SmtpClient.connect(pair.smtp_port) as session:
            await session.converse(
                ("EHLO client.test", 250), ("MAIL FROM:<>", 250), ("RCPT TO:<reader@mx.test>", 451), ("RSET", 250)
            )

            apply_migrations(empty_database_url)
            pair.start_http()
            async with client(pair.http_url) as http:
                address = (await http.post("/api/temporary-address")).json()["temp_email_addr"]

            assert (await session.deliver(message(), address)).code == 250
    finally:
        pair.end()
