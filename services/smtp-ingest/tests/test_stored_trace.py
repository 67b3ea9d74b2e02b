"""The trace of a message: the columns about the session that delivered it."""

import psycopg
import pytest
from support.content import message
from support.database import make_mailbox
from support.harness import Pair
from support.smtp_client import SmtpClient


@pytest.fixture
def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


def trace(pair: Pair, address: str) -> tuple[str, ...]:
    """Client address, host name, protocol and TLS of the only message in a mailbox."""
    query = """
        SELECT client_address, host_name, protocol, tls
        FROM message
        JOIN mailbox ON mailbox.id = message.mailbox_id
        WHERE mailbox.address = %s
    """
    with psycopg.connect(pair.database_url) as connection:
        [row] = connection.execute(query, [address]).fetchall()
    return row


async def send(smtp: SmtpClient, ehlo: str, address: str, parameters: str = "") -> None:
    await smtp.converse((ehlo, 250), (f"MAIL FROM:<>{parameters}", 250), (f"RCPT TO:<{address}>", 250), ("DATA", 354))
    await smtp.send(message() + b".\r\n")
    assert (await smtp.reply()).code == 250


@pytest.mark.parametrize(
    ("ehlo", "parameters", "protocol"),
    [
        ("HELO client.test", "", "SMTP"),
        ("EHLO client.test", "", "ESMTP"),
        ("EHLO client.test", " SMTPUTF8", "UTF8SMTP"),
    ],
)
async def test_a_message_is_kept_with_its_trace(
    smtp: SmtpClient, pair: Pair, address: str, ehlo: str, parameters: str, protocol: str
) -> None:
    await send(smtp, ehlo, address, parameters)

    assert trace(pair, address) == ("127.0.0.1", "client.test", protocol, "")


@pytest.mark.parametrize("name", ["[192.0.2.1]", "[IPv6:2001:db8::1]", "bücher.test", "x" * 255])
async def test_the_trace_has_the_name_that_the_client_gave(
    smtp: SmtpClient, pair: Pair, address: str, name: str
) -> None:
    await send(smtp, f"EHLO {name}", address)

    assert trace(pair, address)[1] == name


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a\rX-Evil: b", "a?X-Evil:?b"),
        ("a (comment) <b@c.test>; d", "a??comment???b?c.test???d"),
        ("a\0b", "a?b"),
        ("x" * 300, "x" * 255),
    ],
    ids=["CR", "a comment", "NUL", "too long"],
)
async def test_forbidden_characters_of_a_name_are_replaced(
    smtp: SmtpClient, pair: Pair, address: str, name: str, kept: str
) -> None:
    await send(smtp, f"EHLO {name}", address)

    assert trace(pair, address)[1] == kept


async def test_the_trace_has_the_last_ehlo(smtp: SmtpClient, pair: Pair, address: str) -> None:
    await smtp.converse(("EHLO first.test", 250))

    await send(smtp, "HELO second.test", address)

    assert trace(pair, address)[1:3] == ("second.test", "SMTP")
