"""The address and its mailbox on the page, in a real browser, against the real services."""

import json
from datetime import datetime

import httpx
import pytest
from support.content import message
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.visitor import Visitor, deliver


async def test_the_first_visit_has_a_private_address_at_once(visitor: Visitor, http: httpx.AsyncClient) -> None:
    address = await visitor.address()

    without_token = await http.get("/api/inbox", params={"address": address})
    with_token = await http.get(
        "/api/inbox", params={"address": address}, headers={"Authorization": f"Bearer {await visitor.token()}"}
    )
    assert (without_token.status_code, with_token.status_code) == (404, 200)


async def test_an_empty_mailbox_says_how_to_send_a_test(visitor: Visitor, api: Pair) -> None:
    await visitor.sees("Waiting for mail")

    await visitor.click("Send a test")

    await visitor.sees(f"smtp://127.0.0.1:{api.environ['SMTP_PUBLIC_PORT']}")
    await visitor.sees(f"--mail-rcpt {await visitor.address()}")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("curl", "/api/inbox/wait'"),
        ("pytest", "def test_sign_up(mailbox):"),
        ("Playwright", 'import { test } from "fake-email-client/playwright"'),
    ],
)
async def test_an_empty_mailbox_shows_how_a_shell_and_a_test_read_it(
    visitor: Visitor, api: Pair, name: str, line: str
) -> None:
    await visitor.click(name)

    await visitor.sees(line)
    await visitor.sees(api.http_url)


async def test_a_line_with_the_token_is_copied_whole_and_shown_without_the_token(visitor: Visitor) -> None:
    await visitor.click("curl")
    await visitor.sees("Authorization: Bearer ••••••••")

    await visitor.click("Copy: curl")

    await visitor.is_so(f"navigator.clipboard.readText().then((text) => text.includes('{await visitor.token()}'))")


async def test_a_key_copies_the_address(visitor: Visitor) -> None:
    await visitor.presses("c")

    await visitor.has_copied(await visitor.address())


async def test_no_token_is_in_a_url_or_in_the_title(visitor: Visitor, smtp: SmtpClient) -> None:
    await smtp.deliver(b"Subject: Hello\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n", await visitor.address())
    await visitor.click("Unread: Hello")
    await visitor.is_so("document.querySelector('iframe')")

    token = await visitor.token()
    assert not [url for url in visitor.tab.requests if token in url]
    assert token not in str(await visitor.value("document.title + location.href"))


async def test_mailboxes_are_there_at_the_next_visit(visitor: Visitor, smtp: SmtpClient) -> None:
    first = await visitor.address()
    await visitor.click("New")
    await visitor.is_so(f"document.querySelector('.address').textContent !== '{first}'")
    second = await visitor.address()
    await smtp.deliver(message("While away"), second)

    await visitor.visit()

    assert await visitor.address() == second
    await visitor.sees("While away")
    await visitor.sees(first.partition("@")[0])


async def test_the_mailbox_that_is_shown_is_in_sight_among_many(visitor: Visitor) -> None:
    first = await visitor.address()
    for count in range(2, 7):
        await visitor.presses("n")
        await visitor.is_so(f"document.querySelectorAll('nav button').length === {count}")
    await visitor.value(f"localStorage['fake-email.shown'] = {first!r}")

    await visitor.visit()

    await visitor.is_so("document.querySelector('nav [aria-current]').getBoundingClientRect().right <= 430")


async def test_one_stream_counts_the_unread_mail_of_every_mailbox(visitor: Visitor, smtp: SmtpClient) -> None:
    first = await visitor.address()
    await visitor.click("New")
    await visitor.is_so(f"document.querySelector('.address').textContent !== '{first}'")
    await visitor.is_so("document.querySelector('.status.live')")

    await smtp.deliver(message("To the first"), first)

    await visitor.sees("1 unread message")
    await visitor.is_so("document.title === '(1) fake-email'")


async def test_mailboxes_out_of_sight_with_unread_mail_do_not_widen_the_page(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await visitor.resize(320, 640)
    first = await visitor.address()
    for count in range(2, 5):
        await visitor.presses("n")
        await visitor.is_so(f"document.querySelectorAll('nav button').length === {count}")
    await visitor.is_so("document.querySelector('.status.live')")

    await smtp.deliver(message("To the first"), first)

    await visitor.is_so("document.title === '(1) fake-email'")
    await visitor.is_so("document.documentElement.scrollWidth <= innerWidth")


async def test_a_mailbox_is_extended_by_a_day(visitor: Visitor) -> None:
    await visitor.click("Extend by a day")

    await visitor.sees("The mailbox now ends in 1 day 23h")


async def test_a_mailbox_that_is_ended_now_is_gone_and_another_is_made(
    visitor: Visitor, http: httpx.AsyncClient
) -> None:
    address, token = await visitor.address(), await visitor.token()
    await visitor.click("End now")
    await visitor.sees("End this mailbox?")

    await visitor.value("document.querySelector('dialog .main').click()")
    await visitor.sees_no(address.partition("@")[0])

    assert await visitor.address() != address
    gone = await http.get("/api/inbox", params={"address": address}, headers={"Authorization": f"Bearer {token}"})
    assert gone.status_code == 404


async def test_a_mailbox_that_is_over_says_so_and_offers_a_new_one(visitor: Visitor, http: httpx.AsyncClient) -> None:
    address = await visitor.address()
    await http.delete(
        "/api/inbox", params={"address": address}, headers={"Authorization": f"Bearer {await visitor.token()}"}
    )
    await visitor.sees("This mailbox is over")
    await visitor.is_so("!document.querySelector('.status')")

    await visitor.click("Make a new mailbox")

    await visitor.sees("Waiting for mail")
    assert await visitor.address() != address


async def test_a_chosen_name_is_taken_exactly(visitor: Visitor) -> None:
    await visitor.click("Name…")
    await visitor.is_so("document.querySelector('dialog input') === document.activeElement")
    await visitor.types("ann.of.the.page")
    await visitor.click("Exactly this name")
    await visitor.click("Make the mailbox")

    await visitor.is_so("document.querySelector('.address').textContent === 'ann.of.the.page@mx.test'")


async def test_a_mailbox_that_was_ended_elsewhere_while_the_page_was_closed_says_so_at_the_next_visit(
    visitor: Visitor, http: httpx.AsyncClient
) -> None:
    first = await visitor.address()
    token = await visitor.token()
    await visitor.click("New")
    await visitor.is_so(f"document.querySelector('.address').textContent !== '{first}'")
    await visitor.is_so("document.querySelector('.status.live')")
    await visitor.tab.open("about:blank")
    await http.delete("/api/inbox", params={"address": first}, headers={"Authorization": f"Bearer {token}"})

    await visitor.visit()
    await visitor.click(first.partition("@")[0])

    await visitor.sees("This mailbox is over")


async def test_a_qr_code_holds_the_address_for_another_device(visitor: Visitor) -> None:
    await visitor.presses("q")

    shown = "document.querySelector('dialog svg[role=img]')?.ariaLabel"
    await visitor.is_so(f"{shown} === 'QR code of {await visitor.address()}'")


async def test_a_dialog_says_what_was_copied_in_it(visitor: Visitor) -> None:
    await visitor.presses("q")
    await visitor.is_so("document.querySelector('dialog[open] svg[role=img]')")

    await visitor.value("document.querySelector('dialog .button.main').click()")

    await visitor.is_so("document.querySelector('dialog .notices').textContent.trim() === 'Copied'")


async def test_a_link_to_read_along_shows_the_mail_and_holds_no_token(visitor: Visitor, smtp: SmtpClient) -> None:
    await smtp.deliver(message("For two"), await visitor.address())
    token = await visitor.token()
    await visitor.click("QR code")
    await visitor.click("Link to read along")
    await visitor.sees(f"{visitor.url}share#")

    await visitor.value("document.querySelector('dialog .main').click()")
    await visitor.is_so(f"navigator.clipboard.readText().then((text) => text.startsWith('{visitor.url}share#'))")
    link = str(await visitor.value("navigator.clipboard.readText()"))
    await visitor.tab.open(link)

    assert token not in link
    await visitor.sees("For two")


async def test_the_icon_of_the_tab_counts_unread_mail(visitor: Visitor, smtp: SmtpClient) -> None:
    await visitor.is_so("document.querySelector('link[rel=icon]').href.endsWith('/icon.svg')")

    await smtp.deliver(message("Hello"), await visitor.address())

    await visitor.is_so("document.querySelector('link[rel=icon]').href.startsWith('data:image/png;base64,')")


async def test_everything_is_forgotten_on_demand(visitor: Visitor) -> None:
    token = await visitor.token()
    await visitor.click("Settings")

    await visitor.click("Forget everything")
    await visitor.click("Yes, forget everything")

    await visitor.is_so(f"localStorage['fake-email.mailboxes'] && !JSON.stringify(localStorage).includes('{token}')")


async def test_the_page_speaks_german(visitor: Visitor) -> None:
    await visitor.click("Settings")

    await visitor.click("Deutsch")

    await visitor.sees("Wartet auf Post")
    assert await visitor.value("document.documentElement.lang") == "de"


async def test_a_reader_sees_why_mail_did_not_arrive(visitor: Visitor, smtp: SmtpClient) -> None:
    await visitor.click("Nothing came?")
    await visitor.sees("Nobody has tried to deliver mail to this address yet.")
    await smtp.begin(await visitor.address(), reverse_path="shop@acme.test")
    await smtp.send(b"Subject: " + b"x" * 300_000 + b"\r\n\r\nHello.\r\n.\r\n")
    refused = await smtp.reply()

    await visitor.click("Look again")
    await visitor.is_so("!document.querySelector('dialog p[role=status]')")  # the attempts, not the wait for them
    while "acme.test" not in str(await visitor.value("document.querySelector('dialog').textContent")):
        await visitor.click("Look again")
        await visitor.is_so("!document.querySelector('dialog p[role=status]')")

    await visitor.sees(f"{refused.code} {refused.text}")
    assert refused.code == 552


async def test_the_mailbox_that_is_shown_is_followed_beyond_the_fifty_of_a_ticket(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient
) -> None:
    made = [(await http.post("/api/temporary-address")).json() for _ in range(51)]
    kept = [
        {"address": each["temp_email_addr"], "expiresAt": 1000 * datetime.fromisoformat(each["expires_at"]).timestamp()}
        for each in made
    ]
    await visitor.value(f"localStorage['fake-email.mailboxes'] = {json.dumps(json.dumps(kept))}")
    await visitor.visit()
    await visitor.is_so("document.querySelector('.status.live')")
    last = kept[-1]["address"]

    await visitor.click(last.partition("@")[0])
    await visitor.is_so(f"document.querySelector('.address').textContent === '{last}'")
    await visitor.is_so("document.querySelector('.status.live')")
    await deliver(visitor, smtp, message("To the last"))

    await visitor.sees("To the last")
