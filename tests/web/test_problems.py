"""Calls that the API refuses: each problem is a sentence with a way out."""

from collections.abc import AsyncIterator

import httpx
import pytest
from support.content import message
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.visitor import Visitor, deliver

_WAIT = "+document.body.innerText.match(/Try again in (\\d+) s/)[1]"


@pytest.fixture
async def strict_visitor(api: Pair, visitor: Visitor) -> AsyncIterator[Visitor]:
    """A person who has made all the mailboxes that this API allows in a minute."""
    # A program on the API's own host is exempt, one behind a proxy is not.
    visitor.tab.forwarded = {"X-Forwarded-For": "203.0.113.7"}
    await visitor.tab.call("Fetch.enable", patterns=[{"urlPattern": f"{api.http_url}/*"}])
    api.services[-1].kill()
    api.start_http(CREATIONS_PER_MINUTE="1")
    await visitor.is_so("document.querySelector('.status.live')")
    await visitor.click("New")
    await visitor.is_so("document.querySelectorAll('nav button').length === 2")
    yield visitor
    await visitor.tab.call("Fetch.disable")
    api.services[-1].kill()
    api.start_http()


async def test_too_many_mailboxes_are_refused_with_a_countdown(strict_visitor: Visitor) -> None:
    await strict_visitor.click("New")

    await strict_visitor.sees("Too many calls from your network")
    first = await strict_visitor.value(_WAIT)
    await strict_visitor.is_so(f"{_WAIT} < {first}")


async def test_a_name_that_is_taken_is_told_in_the_dialog(visitor: Visitor) -> None:
    for _ in range(2):
        await visitor.click("Name…")
        await visitor.is_so("document.querySelector('dialog input') === document.activeElement")
        await visitor.types("taken.on.the.page")
        await visitor.click("Exactly this name")
        await visitor.click("Make the mailbox")
        await visitor.is_so("!document.querySelector('dialog[open]') || document.querySelector('[role=alert]')")

    await visitor.sees("This name was given out before. Choose another one.")


async def test_a_message_that_was_deleted_elsewhere_leads_back_to_the_list(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient
) -> None:
    await deliver(visitor, smtp, message("Gone soon"), message("Stays"))
    await visitor.is_so("document.querySelectorAll('[data-message]').length === 2")
    await visitor.opens("Gone soon")
    await visitor.click("Back to the list")
    identifier = await visitor.value("[...document.querySelectorAll('[data-message]')].at(-1).dataset.message")
    # The page is not told of the deletion before it opens the message.
    await visitor.tab.call("Network.setBlockedURLs", urls=["*/api/inbox/stream*"])
    headers = {"Authorization": f"Bearer {await visitor.token()}"}
    await visitor.value("history.replaceState({ id: 'x' }, '')")
    await http.delete(f"/api/messages/{identifier}", headers=headers)
    await visitor.value(f"history.pushState({{ id: '{identifier}' }}, ''); history.pushState(null, ''); history.back()")

    await visitor.sees("This message is deleted.")
    await visitor.click("Back to the list")

    await visitor.sees("Stays")
