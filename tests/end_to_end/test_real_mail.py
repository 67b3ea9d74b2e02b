"""Real mail, well-formed and malformed, sent with a real SMTP client and read over the API."""

import asyncio
import smtplib
from pathlib import Path

import httpx
import psycopg
from support import corpus
from support.harness import Pair


def deliver(port: int, address: str, octets: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as session:
        session.ehlo("client.test")
        session.mail("writer@client.test")
        session.rcpt(address)
        code, text = session.data(octets)
        assert code == 250, text


def on_the_wire(path: Path) -> bytes:
    """Return the file's content with CRLF line ends."""
    lines = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n")
    return lines.replace(b"\n", b"\r\n") + b"\r\n"


@corpus.for_each
async def test_real_mail_is_accepted_kept_to_the_octet_and_shown(
    pair: Pair, http: httpx.AsyncClient, address: str, path: Path
) -> None:
    content = on_the_wire(path)

    await asyncio.to_thread(deliver, pair.smtp_port, address, content)

    [shown] = (await http.get("/api/inbox/poll", params={"address": address})).json()["messages"]
    assert shown["subject"] or shown["body_text"] or shown["attachments"] or shown["has_html"]
    with psycopg.connect(pair.environ["DATABASE_URL"]) as connection:
        [stored] = connection.execute("SELECT content FROM message WHERE id = %s", [shown["id"]]).fetchall()
    assert stored[0] == content
