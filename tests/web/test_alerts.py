"""Notifications and a sound for new mail, each only when it is asked for."""

from collections.abc import AsyncIterator

import pytest
from support.content import message
from support.smtp_client import SmtpClient
from support.visitor import CODE, Visitor, deliver

# Headless Chromium shows no notifications and plays no sound, so that the calls of the browser are recorded.
_RECORD = """
window.told = []
window.Notification = class {
    static permission = "default"
    static requestPermission = async () => (Notification.permission = "granted")
    constructor(title, { body }) { told.push(`${title}: ${body}`) }
}
window.AudioContext = class extends AudioContext {
    createOscillator() { told.push("note"); return super.createOscillator() }
}
Document.prototype.hasFocus = () => false
"""


@pytest.fixture
async def recorded(visitor: Visitor) -> AsyncIterator[Visitor]:
    """A visitor whose browser records what it is asked to show and to play."""
    added = await visitor.tab.call("Page.addScriptToEvaluateOnNewDocument", source=_RECORD)
    await visitor.visit()
    yield visitor
    await visitor.tab.call("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])


async def test_new_mail_is_notified_with_its_code_once_the_person_asks_for_it(
    recorded: Visitor, smtp: SmtpClient
) -> None:
    await deliver(recorded, smtp, message("Before"))
    await recorded.sees("Before")
    await recorded.click("Settings")
    await recorded.click("Notify me")
    await recorded.is_so("localStorage['fake-email.alerts'] === 'notify'")

    await deliver(recorded, smtp, CODE)

    await recorded.is_so("told.length === 1")
    assert await recorded.value("told[0]") == "Confirm your sign-up: ACME Accounts\nCode: 482913"


async def test_new_mail_makes_a_sound_once_the_person_asks_for_it(recorded: Visitor, smtp: SmtpClient) -> None:
    await recorded.click("Settings")
    await recorded.click("Play a sound")
    await recorded.is_so("told.length === 2")

    await recorded.visit()
    await deliver(recorded, smtp, message("Hello"))

    await recorded.is_so("told.length === 2")


async def test_a_browser_that_forbids_notifications_is_told_of(recorded: Visitor) -> None:
    await recorded.value("Notification.requestPermission = async () => 'denied'")
    await recorded.click("Settings")

    await recorded.click("Notify me")

    await recorded.sees("This browser does not let the page notify you")
    assert await recorded.value("localStorage['fake-email.alerts']") == ""
