"""axe-core finds nothing on any state of the page, in light and dark, on a desk and on a phone."""

import json

import httpx
import pytest
from support.content import message
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.visitor import CODE, Visitor, deliver

_RUN = """(async () => {
    const { violations } = await axe.run(document, { iframes: false, rules: { "target-size": { enabled: true } } })
    const told = ({ html, any }) => [html, any[0]?.message]
    return JSON.stringify(violations.map(({ id, nodes }) => [id, ...nodes.map(told)]))
})()"""


async def assert_accessible(visitor: Visitor, axe: str) -> None:
    await visitor.value(f"(() => {{ {axe} }})()")
    for scheme in ("light", "dark"):
        await visitor.colours(scheme)
        await visitor.is_still()
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


@pytest.mark.parametrize("dialog", ["Settings", "Name…", "End now", "QR code", "All commands", "Nothing came?"])
async def test_a_dialog(visitor: Visitor, axe: str, dialog: str) -> None:
    await visitor.click(dialog)
    await visitor.is_so("document.querySelector('dialog[open]')")

    await assert_accessible(visitor, axe)


async def test_the_list_of_keys(visitor: Visitor, axe: str) -> None:
    await visitor.presses("?")
    await visitor.is_so("document.querySelector('dialog[open]')")

    await assert_accessible(visitor, axe)


@pytest.mark.parametrize("name", ["Send a test", "Playwright"])
async def test_the_lines_of_an_empty_mailbox(visitor: Visitor, axe: str, name: str) -> None:
    await visitor.click(name)
    await visitor.is_so("document.querySelector('pre')")

    await assert_accessible(visitor, axe)


async def test_selected_messages_and_a_notice(visitor: Visitor, smtp: SmtpClient, axe: str) -> None:
    await deliver(visitor, smtp, CODE, message("Another"))
    await visitor.click("Select: Another")
    await assert_accessible(visitor, axe)

    await visitor.click("Delete")
    await visitor.sees("Message deleted.")

    await assert_accessible(visitor, axe)


@pytest.mark.parametrize("view", ["Text", "Headers", "Source"])
async def test_a_view_of_a_message(visitor: Visitor, smtp: SmtpClient, axe: str, view: str) -> None:
    await deliver(visitor, smtp, CODE)
    await visitor.opens("Confirm your sign-up")

    await visitor.click(view)
    await visitor.is_so("document.querySelector('[role=tabpanel]').textContent.length > 20")

    await assert_accessible(visitor, axe)


async def test_a_search_that_finds_nothing(visitor: Visitor, smtp: SmtpClient, axe: str) -> None:
    await deliver(visitor, smtp, CODE)
    await visitor.sees("Confirm your sign-up")
    await visitor.presses("/")
    await visitor.types("nothing")
    await visitor.sees("No mail is found")
    await visitor.is_so("document.querySelector('[data-news]').textContent.trim() === '0 messages found'")

    await assert_accessible(visitor, axe)


async def test_a_mailbox_that_is_over(visitor: Visitor, http: httpx.AsyncClient, axe: str) -> None:
    token = await visitor.token()
    await http.delete(
        "/api/inbox", params={"address": await visitor.address()}, headers={"Authorization": f"Bearer {token}"}
    )
    await visitor.sees("This mailbox is over")

    await assert_accessible(visitor, axe)


async def test_a_page_without_its_api(visitor: Visitor, api: Pair, axe: str) -> None:
    await visitor.tab.call("Network.setBlockedURLs", urls=[f"{api.http_url}/*"])
    await visitor.value("localStorage.clear()")
    await visitor.tab.open(visitor.url)
    await visitor.sees(f"No API at {api.http_url}")

    await assert_accessible(visitor, axe)

    await visitor.tab.call("Network.setBlockedURLs", urls=[])


async def test_the_buttons_below_the_address_fit_in_one_line_of_german(visitor: Visitor) -> None:
    await visitor.value("localStorage['fake-email.language'] = 'de'")
    await visitor.visit()

    for width in (320, 1024):
        await visitor.resize(width, 700)

        tops = "new Set([...document.querySelectorAll('.acts button')].map((each) => each.offsetTop))"
        await visitor.is_so(f"innerWidth === {width} && {tops}.size === 1")


# 640 pixels are a window of 1280 at a zoom of 200 %.
@pytest.mark.parametrize("width", [320, 390, 640, 1280])
async def test_nothing_is_wider_than_the_window(visitor: Visitor, smtp: SmtpClient, width: int) -> None:
    is_narrow = "document.documentElement.scrollWidth <= innerWidth"
    await visitor.resize(width, 700)
    await visitor.click("Playwright")
    await visitor.sees("FAKE_EMAIL_URL")
    await visitor.is_so(is_narrow)
    await visitor.click("Settings")
    await visitor.is_so("document.querySelector('dialog[open]')?.scrollWidth <= innerWidth")
    await visitor.presses("Escape")

    await deliver(visitor, smtp, CODE)
    await visitor.opens("Confirm your sign-up")
    await visitor.is_so("document.querySelector('iframe')")

    await visitor.is_so(is_narrow)
    if width > 768:
        await visitor.is_so("document.documentElement.scrollHeight <= innerHeight")


async def test_nothing_moves_for_a_person_who_wants_no_motion(visitor: Visitor, smtp: SmtpClient) -> None:
    await visitor.sees("Waiting for mail")
    await visitor.is_so("document.getAnimations().length > 0")

    await visitor.colours("light")
    await deliver(visitor, smtp, CODE)
    await visitor.opens("Confirm your sign-up")

    await visitor.is_so("document.getAnimations().length === 0")


async def test_the_focus_goes_to_the_message_on_a_phone_and_back_to_the_list(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await visitor.resize(390, 800)
    await deliver(visitor, smtp, CODE)
    await visitor.opens("Confirm your sign-up")
    await visitor.is_so("document.activeElement.textContent === 'Back to the list'")

    await visitor.click("Back to the list")

    await visitor.is_so("document.activeElement.dataset.message")


async def test_a_second_enter_goes_from_the_list_to_the_open_message_and_escape_goes_back(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, message("Last"), CODE)
    await visitor.is_so("document.querySelectorAll('[data-message]').length === 2")
    await visitor.value("document.querySelector('[data-message]').focus()")
    await visitor.presses("Enter")
    await visitor.is_so("document.querySelector('#subject')?.textContent === 'Confirm your sign-up'")

    await visitor.presses("Enter")
    await visitor.is_so("document.activeElement.id === 'subject'")

    await visitor.presses("Escape")
    await visitor.is_so("document.activeElement === document.querySelector('[data-message]')")


async def test_the_focus_is_where_it_was_once_a_dialog_is_closed(visitor: Visitor) -> None:
    await visitor.value("document.querySelector('[aria-label=Settings]').focus()")
    await visitor.click("Settings")
    await visitor.is_so("document.querySelector('dialog[open]')")

    await visitor.click("Close")

    await visitor.is_so("document.activeElement.ariaLabel === 'Settings'")


async def test_a_screen_reader_hears_of_new_mail_and_a_key_copies_its_code(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, CODE)

    await visitor.is_so(
        "document.querySelector('[data-news][role=status]')?.textContent.trim()"
        " === 'New mail from ACME Accounts: Confirm your sign-up. Code: 482913'"
    )
    await visitor.presses("y")

    await visitor.has_copied("482913")


async def test_the_code_in_its_evidence_is_readable_with_forced_colours(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, CODE)
    await visitor.opens("Confirm your sign-up")
    dark = [{"name": "forced-colors", "value": "active"}, {"name": "prefers-color-scheme", "value": "dark"}]
    await visitor.tab.call("Emulation.setEmulatedMedia", features=dark)

    await visitor.is_so("matchMedia('(forced-colors: active)').matches")
    await visitor.is_so(
        "getComputedStyle(document.querySelector('q mark')).color"
        " === getComputedStyle(document.querySelector('#subject')).color"
    )
