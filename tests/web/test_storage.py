"""The page where the browser keeps nothing, or something else than a mailbox."""

import json

import pytest
from support.smtp_client import SmtpClient
from support.visitor import CODE, Visitor, deliver

_BLOCKED = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError') } })"
_FULL = "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') }"


@pytest.mark.parametrize("refusal", [_BLOCKED, _FULL], ids=["blocked", "full"])
async def test_a_browser_that_keeps_nothing_has_a_mailbox_for_this_visit(
    visitor: Visitor, smtp: SmtpClient, refusal: str
) -> None:
    await visitor.value("localStorage.clear()")
    await visitor.tab.call("Page.addScriptToEvaluateOnNewDocument", source=refusal)

    await visitor.visit()

    await visitor.sees("This browser refuses to keep the address")
    await deliver(visitor, smtp, CODE)
    await visitor.opens("Confirm your sign-up")


async def test_what_is_no_list_of_mailboxes_is_dropped(visitor: Visitor) -> None:
    before = await visitor.address()
    for kept in ("{", "null", '{"a": 1}', '[null, 7, {"address": 5}, {"address": "a"}]'):
        await visitor.value(f"localStorage['fake-email.mailboxes'] = {json.dumps(kept)}")

        await visitor.visit()

        assert await visitor.address() != before


async def test_a_device_whose_clock_is_wrong_counts_the_time_of_the_api(visitor: Visitor, smtp: SmtpClient) -> None:
    late = "const { now } = Date; Date.now = () => now() + 3 * 86_400_000"
    await visitor.tab.call("Page.addScriptToEvaluateOnNewDocument", source=late)

    await visitor.visit()

    await visitor.is_so("/^(?:1 day|23h)/.test(document.querySelector('.time').textContent)")
    await deliver(visitor, smtp, CODE)
    await visitor.is_so("document.querySelector('li time')?.textContent === 'now'")
