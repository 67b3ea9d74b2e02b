"""The page tells who sent an open message: while the check goes on, and when it has ended."""

import httpx
from support.database import end_check, put
from support.harness import Pair
from support.visitor import CODE, Visitor, share

from fake_email.authentication import Authentication, DmarcResult, Verdict

_REFUTED = Verdict(
    authentication=Authentication(
        status="checked",
        dmarc=DmarcResult(
            result="fail", reason="neither SPF nor DKIM confirms it", domain="acme.test", policy="reject"
        ),
    )
)


async def test_the_line_about_the_sender_follows_the_check(visitor: Visitor, pair: Pair) -> None:
    [message_id] = await put(pair.database_url, await visitor.address(), CODE)
    await visitor.click("Unread: Confirm your sign-up")
    await visitor.sees("The sender is being checked")

    await end_check(pair.database_url, message_id, _REFUTED)

    await visitor.sees("Not confirmed: this may not be from acme.test")
    await visitor.click("Not confirmed: this may not be from acme.test")
    await visitor.sees("neither SPF nor DKIM confirms it")


async def test_a_shared_message_has_that_line_too(visitor: Visitor, pair: Pair, http: httpx.AsyncClient) -> None:
    [message_id] = await put(pair.database_url, await visitor.address(), CODE)
    await share(visitor, http)
    await visitor.click("ACME Accounts")
    await visitor.sees("The sender is being checked")

    await end_check(pair.database_url, message_id, _REFUTED)

    await visitor.sees("Not confirmed: this may not be from acme.test")
