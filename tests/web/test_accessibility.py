"""axe-core finds nothing on any state of the page, in light and dark, on a desk and on a phone."""

import json

import pytest
from support.smtp_client import SmtpClient
from support.visitor import CODE, Visitor, deliver

_RUN = """(async () => {
    const { violations } = await axe.run(document, { iframes: false })
    const told = ({ html, any }) => [html, any[0]?.message]
    return JSON.stringify(violations.map(({ id, nodes }) => [id, ...nodes.map(told)]))
})()"""


async def assert_accessible(visitor: Visitor, axe: str) -> None:
    await visitor.value(f"(() => {{ {axe} }})()")
    for scheme in ("light", "dark"):
        await visitor.colours(scheme)
        assert json.loads(str(await visitor.value(_RUN))) == []


@pytest.mark.parametrize("width", [1280, 390])
async def test_an_empty_mailbox(visitor: Visitor, axe: str, width: int) -> None:
    await visitor.resize(width, 800)
    await visitor.sees("Waiting for mail")

    await assert_accessible(visitor, axe)


@pytest.mark.parametrize("width", [1280, 390])
async def test_an_open_message(visitor: Visitor, smtp: SmtpClient, axe: str, width: int) -> None:
    await visitor.resize(width, 800)
    await deliver(visitor, smtp, CODE)
    await visitor.click("Unread: Confirm")
    await visitor.is_so("document.querySelector('iframe')")

    await assert_accessible(visitor, axe)


async def test_a_list_of_two_mailboxes(visitor: Visitor, smtp: SmtpClient, axe: str) -> None:
    await deliver(visitor, smtp, CODE)
    first = await visitor.address()
    await visitor.click("New")
    await visitor.is_so(f"document.querySelector('.address').textContent !== '{first}'")
    await deliver(visitor, smtp, CODE)
    await visitor.sees("Confirm your sign-up")

    await assert_accessible(visitor, axe)


@pytest.mark.parametrize("dialog", ["Settings", "Name…", "End now"])
async def test_a_dialog(visitor: Visitor, axe: str, dialog: str) -> None:
    await visitor.click(dialog)
    await visitor.is_so("document.querySelector('dialog[open]')")

    await assert_accessible(visitor, axe)


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_nothing_is_wider_than_the_window(visitor: Visitor, smtp: SmtpClient, width: int) -> None:
    await visitor.resize(width, 700)
    await deliver(visitor, smtp, CODE)
    await visitor.click("Unread: Confirm")
    await visitor.is_so("document.querySelector('iframe')")

    await visitor.is_so("document.documentElement.scrollWidth <= innerWidth")
