"""Senders that the operator blocks: which are meant, what they are told, and that the operator still hears of them."""

import asyncio
import datetime

import psycopg
import pytest
from support.database import make_mailbox
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS

from fake_email.storage import blocks
from fake_email.storage.blocks import Block
from smtp_ingest.blocked_senders import BlockedSenders

REPLY = "Mail from your network is not accepted here"


def blocked(*senders: str) -> BlockedSenders:
    now = datetime.datetime.now(datetime.UTC)
    found = BlockedSenders()
    found.replace(Block(sender=each, reply=REPLY, blocked_by="ada", blocked_at=now) for each in senders)
    return found


@pytest.mark.parametrize(
    ("sender", "client_address", "reverse_path", "is_meant"),
    [
        ("spam.test", "192.0.2.1", "a@spam.test", True),
        ("spam.test", "192.0.2.1", "a@SPAM.test", True),
        ("spam.test", "192.0.2.1", "a@deep.mail.spam.test", True),
        ("spam.test", "192.0.2.1", "a@nospam.test", False),
        ("spam.test", "192.0.2.1", "a@spam.test.example", False),
        ("spam.test", "192.0.2.1", "", False),
        ("xn--bcher-kva.test", "192.0.2.1", "a@bücher.test", True),
        ("192.0.2.0/24", "192.0.2.255", "", True),
        ("192.0.2.0/24", "192.0.3.0", "a@192.0.2.1", False),
        ("192.0.2.7/32", "::ffff:192.0.2.7", "", True),
        ("0.0.0.0/0", "198.51.100.1", "", True),
        ("0.0.0.0/0", "2001:db8::1", "", False),
        ("2001:db8::/32", "2001:db8:ffff::1", "", True),
        ("2001:db8::/32", "2001:db9::1", "", False),
        ("fe80::/10", "fe80::1%eth0", "", True),
        ("192.0.2.0/24", "", "", False),
    ],
)
def test_a_block_means_its_network_or_its_domain_and_the_domains_below(
    sender: str, client_address: str, reverse_path: str, *, is_meant: bool
) -> None:
    found = blocked("other.test", "203.0.113.0/24", sender).find(
        client_address=client_address, reverse_path=reverse_path
    )

    assert (found is not None and found.sender == sender) == is_meant


async def recipient_replies(smtp: SmtpClient, reverse_path: str, *recipients: str) -> list[str]:
    """The reply to each RCPT of a transaction, which is then aborted."""
    await smtp.converse(("EHLO client.test", 250))
    await smtp.converse((f"MAIL FROM:<{reverse_path}>", 250))
    replies = [await smtp.command(f"RCPT TO:<{each}>") for each in recipients]
    await smtp.converse(("RSET", 250))
    return [f"{each.code} {each.text}" for each in replies]


async def until_reply(port: int, reverse_path: str, recipient: str, reply: str) -> None:
    """Wait until RCPT gets this reply, in one session after another: a session ends after too many refusals."""
    replies: list[str] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        while replies != [reply]:
            await asyncio.sleep(0.2)
            async with SmtpClient.connect(port) as smtp:
                replies = await recipient_replies(smtp, reverse_path, recipient)


async def test_a_blocked_sender_gets_the_operators_reply_and_still_reaches_the_operator(
    pair: Pair, smtp: SmtpClient
) -> None:
    address = make_mailbox(pair.database_url)
    accepted, refused = "250 2.1.5 OK", "550 5.7.1 Write to abuse first"
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        await blocks.add(connection, sender="blocked.test", reply="Write to abuse first", blocked_by="ada")
        await until_reply(pair.smtp_port, "a@mail.blocked.test", address, refused)
        to_the_operator = await recipient_replies(smtp, "a@blocked.test", "abuse@mx.test", "postmaster", address)
        of_another = await recipient_replies(smtp, "a@other.test", address)
        await blocks.remove(connection, "blocked.test")
        await until_reply(pair.smtp_port, "a@blocked.test", address, accepted)

    assert to_the_operator == [accepted, accepted, refused]
    assert of_another == [accepted]
