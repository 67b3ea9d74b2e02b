"""Services that are started before the schema is there put everybody off, and need no restart once it is."""

from pathlib import Path

import httpx
import psycopg
from support.harness import MIGRATIONS, Pair, SmtpClient, message

from fake_email.postgres import migrate


def bring_up_to_date(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        migrate.migrate(connection, migrate.read(MIGRATIONS))


async def test_mail_is_put_off_until_there_is_a_schema_and_taken_from_then_on(
    empty_database_url: str, tmp_path: Path
) -> None:
    pair = Pair(empty_database_url, tmp_path)
    try:
        pair.start_smtp()
        async with SmtpClient.connect(pair.smtp_port) as session:
            await session.converse(
                ("EHLO client.test", 250), ("MAIL FROM:<>", 250), ("RCPT TO:<reader@mx.test>", 451), ("RSET", 250)
            )

            bring_up_to_date(empty_database_url)
            pair.start_http()
            async with httpx.AsyncClient(base_url=pair.http_url) as http:
                address = (await http.post("/api/temporary-address")).json()["temp_email_addr"]

            assert (await session.deliver(message(), address)).code == 250
    finally:
        pair.end()
