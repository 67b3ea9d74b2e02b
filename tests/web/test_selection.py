"""Many messages at once on the page: selected, marked, deleted and restored."""

import httpx
from support.content import message
from support.database import put
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.visitor import Visitor, deliver, stored, until_stored

_COUNT = "document.querySelectorAll('[data-message]').length"


async def three(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, message("One"), message("Two"), message("Three"))
    await visitor.is_so(f"{_COUNT} === 3")


async def test_selected_messages_are_deleted_together_and_come_back_by_undo(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient
) -> None:
    await three(visitor, smtp)
    await visitor.click("Select: One")
    await visitor.click("Select: Three")
    await visitor.sees("2 selected")

    await visitor.click("Delete")
    await visitor.sees("2 messages deleted.")
    await visitor.is_so(f"{_COUNT} === 1")
    await visitor.click("Undo")

    await visitor.is_so(f"{_COUNT} === 3")
    assert len(await stored(visitor, http)) == 3


async def test_a_click_with_shift_selects_all_between(visitor: Visitor, smtp: SmtpClient) -> None:
    await three(visitor, smtp)
    await visitor.click("Select: Three")

    await visitor.value(
        "document.querySelector('[aria-label=\"Select: One\"]')"
        ".dispatchEvent(new MouseEvent('click', { shiftKey: true, bubbles: true, cancelable: true }))"
    )

    await visitor.sees("3 selected")


async def test_selected_messages_are_marked_as_read_and_as_unread(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient
) -> None:
    await three(visitor, smtp)
    await visitor.click("Select: Two")
    await visitor.click("Select all messages")

    await visitor.click("Mark as read")
    await visitor.is_so("document.title === 'fake-email'")
    await visitor.click("Select: Two")
    await visitor.click("Mark as unread")

    await visitor.is_so("document.title === '(1) fake-email'")
    await until_stored(visitor, http, lambda found: [each["subject"] for each in found] == ["Two"], query="is:unread")


async def test_keys_select_the_open_message_and_escape_selects_none(visitor: Visitor, smtp: SmtpClient) -> None:
    await three(visitor, smtp)
    await visitor.presses("j")
    await visitor.is_so("document.querySelector('#subject')?.textContent === 'Three'")

    await visitor.presses("x")
    await visitor.sees("1 selected")
    await visitor.presses("Escape")

    await visitor.sees_no("1 selected")
    assert await visitor.value("document.querySelector('#subject')?.textContent") == "Three"


async def test_a_deletion_of_many_is_sent_when_the_page_is_left(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient
) -> None:
    await deliver(visitor, smtp, *(message(f"Number {n}") for n in range(30)))
    await visitor.is_so(f"{_COUNT} === 30")
    await visitor.click("Select: Number 7")
    await visitor.click("Select all messages")
    await visitor.click("Delete")

    await visitor.visit()

    await visitor.sees("Waiting for mail")
    assert await stored(visitor, http) == []


async def test_an_open_message_that_is_deleted_with_others_is_no_longer_shown(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await three(visitor, smtp)
    await visitor.opens("Two")
    await visitor.click("Select: One")
    await visitor.click("Select: Two")

    await visitor.presses("Delete")

    await visitor.is_so("!document.querySelector('#subject')")
    assert await visitor.value(_COUNT) == 1


async def test_all_mail_is_deleted_at_once_but_what_arrives_meanwhile(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient, pair: Pair
) -> None:
    await put(pair.database_url, await visitor.address(), *(message(f"Number {n}") for n in range(60)))
    await visitor.visit()
    await visitor.sees("Show older mail")

    await visitor.click("Delete all mail")
    await visitor.sees("All mail is deleted.")
    await deliver(visitor, smtp, message("Came later"))
    await visitor.sees("Came later")
    await visitor.visit()

    await visitor.sees("Came later")
    await until_stored(visitor, http, lambda found: [each["subject"] for each in found] == ["Came later"])
