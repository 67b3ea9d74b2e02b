"""clients/python with many mailboxes at the same time: each gets its own mail."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from support.content import message
from support.harness import Pair
from support.sender import Sender
from support.smtp_client import SmtpClient

from fake_email_client import AsyncMail, AsyncMailbox, Mail

MAILBOXES = 1000
AT_A_TIME = 50
RECIPIENTS = 100
SECONDS = 180


def test_eight_tests_in_parallel_get_their_own_codes(pair: Pair, sender: Sender) -> None:
    def sign_up(number: int) -> str:
        with mail.mailbox(private=True) as box:
            sender.text(box.address, "Code", f"Your code is 48291{number}.")
            return box.code()

    with Mail(pair.http_url) as mail, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(sign_up, range(8))) == [f"48291{number}" for number in range(8)]


async def test_a_thousand_mailboxes_get_their_mail(pair: Pair, smtp: SmtpClient) -> None:
    turns = asyncio.Semaphore(AT_A_TIME)

    async def make(mail: AsyncMail) -> AsyncMailbox:
        async with turns:
            return await mail.mailbox(private=True, ttl=600)

    async def read(box: AsyncMailbox) -> str:
        async with turns, box:
            return (await box.wait()).to_addr

    async with asyncio.timeout(SECONDS), AsyncMail(pair.http_url) as mail:
        boxes = await asyncio.gather(*(make(mail) for _ in range(MAILBOXES)))
        addresses = [box.address for box in boxes]
        for first in range(0, MAILBOXES, RECIPIENTS):
            reply = await smtp.deliver(message(str(first)), *addresses[first : first + RECIPIENTS])
            assert reply.code == 250, reply
        assert await asyncio.gather(*map(read, boxes)) == addresses
