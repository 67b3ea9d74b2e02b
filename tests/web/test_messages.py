"""Mail on the page: the list, an open message, search and deletion, by mouse and by key."""

import zipfile
from pathlib import Path

import httpx
from support.content import message
from support.smtp_client import SmtpClient
from support.visitor import CODE, Visitor, deliver, stored, until_stored
from support.waiting import until

HOSTILE = (
    b"From: x@evil.test\r\nSubject: <img src=x onerror=alert(1)>\r\nContent-Type: text/html\r\n\r\n"
    b"<script>top.document.title='owned'</script><img src=x onerror='top.location=\"http://evil.test/\"'>"
    b"<form action='http://evil.test/'><input autofocus onfocus=alert(1)></form>Harmless text\r\n"
)

ATTACHMENTS = (
    b"Subject: Two parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nSee below.\r\n"
    b"--b\r\nContent-Disposition: attachment; filename=terms.txt\r\n\r\nBe kind.\r\n"
    b"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=dot.png\r\n\r\n"
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\r\n--b--\r\n"
)


async def test_new_mail_is_shown_with_its_code_and_counted_in_the_title(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, CODE)

    await visitor.sees("Confirm your sign-up")
    await visitor.sees("ACME Accounts")
    await visitor.is_so("document.title === '(1) fake-email'")


async def test_a_click_on_the_code_copies_it(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, CODE)

    await visitor.click("Copy the code 482913")

    await visitor.has_copied("482913")


async def test_the_link_of_a_message_opens_in_a_tab_without_opener(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, CODE)

    await visitor.is_so("document.querySelector('a.chip')?.href === 'https://acme.test/verify?t=Qm9w'")
    assert await visitor.value("document.querySelector('a.chip').rel") == "noopener noreferrer"


async def test_an_open_message_shows_its_html_in_a_frame_and_is_read(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient
) -> None:
    await deliver(visitor, smtp, CODE)

    await visitor.click("Unread: Confirm your sign-up")

    await visitor.is_so("document.querySelector('iframe')")
    await visitor.tab.wait_for("document.querySelector('b')?.textContent === '482913'", {"True": 1, "False": 1})
    await visitor.is_so("document.title === 'fake-email'")
    await until_stored(visitor, http, lambda found: [each["seen"] for each in found] == [True])


async def test_a_hostile_message_does_nothing_to_the_page(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, HOSTILE)

    await visitor.click("Unread: <img src=x")

    await visitor.tab.wait_for("document.body.innerText.trim() === 'Harmless text'", {"True": 1, "False": 1})
    assert visitor.tab.dialogs == []
    assert await visitor.value("document.title") == "fake-email"
    assert not [url for url in visitor.tab.requests if "evil.test" in url]


async def test_text_headers_and_source_are_views_of_a_message(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, CODE)
    await visitor.click("Unread: Confirm your sign-up")

    await visitor.click("Headers")
    await visitor.sees("ACME Accounts <accounts@acme.test>")
    await visitor.click("Source")
    await visitor.sees("Return-Path:")
    await visitor.click("Text")
    await visitor.sees("Verify your email")


async def test_the_html_of_a_message_is_shown_as_text(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, HOSTILE)
    await visitor.click("Unread: <img src=x")

    await visitor.click("HTML")

    await visitor.sees("<script>top.document.title='owned'</script><img src=x")
    await visitor.is_so("document.querySelector('[role=tabpanel] pre').childElementCount === 0")
    await visitor.value("document.querySelector('[role=tabpanel] button').click()")
    await visitor.is_so("navigator.clipboard.readText().then((text) => text.startsWith('<script>top'))")


async def test_keys_go_through_the_list(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, message("Older"), message("Newer"))
    await visitor.is_so("document.querySelectorAll('[data-message]').length === 2")

    await visitor.presses("j")
    await visitor.is_so("document.querySelector('#subject')?.textContent === 'Newer'")
    await visitor.presses("ArrowDown")
    await visitor.is_so("document.querySelector('#subject')?.textContent === 'Older'")
    await visitor.presses("Escape")

    await visitor.sees("Choose a message")


async def test_the_way_back_of_the_browser_leads_to_the_list_and_forward_to_the_message(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await visitor.resize(390, 800)
    await deliver(visitor, smtp, message("Hello"))
    await visitor.click("Unread: Hello")
    await visitor.is_so("document.querySelector('#subject')")

    await visitor.value("history.back()")
    await visitor.is_so("document.querySelector('[data-message]')?.checkVisibility()")
    await visitor.value("history.forward()")
    await visitor.is_so("document.querySelector('#subject')?.checkVisibility()")


async def test_a_search_finds_with_the_grammar_of_the_api(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, CODE, message("Something else"))
    await visitor.is_so("document.querySelectorAll('[data-message]').length === 2")

    await visitor.presses("/")
    await visitor.types("has:code -subject:else")

    await visitor.is_so("document.querySelectorAll('[data-message]').length === 1")
    await visitor.sees("Confirm your sign-up")


async def test_a_search_ends_when_another_mailbox_is_shown(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, message("Hello"))
    first = await visitor.address()
    await visitor.sees("Hello there.")
    await visitor.click("New")
    await visitor.is_so(f"document.querySelector('.address').textContent !== '{first}'")
    await deliver(visitor, smtp, message("Else", "Another text.\r\n"))
    await visitor.sees("Another text.")
    await visitor.presses("/")
    await visitor.types("subject:else")
    await visitor.sees("Another text.")

    await visitor.click(first.partition("@")[0])

    await visitor.sees("Hello there.")
    await visitor.sees_no("Another text.")
    await visitor.is_so("document.querySelector('input[type=search]').value === ''")


async def test_a_search_with_a_mistake_says_so(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, message("Hello"))
    await visitor.sees("Hello there.")

    await visitor.presses("/")
    await visitor.types("has:nothing")

    await visitor.sees("The search is not complete yet, or has a mistake")


async def test_a_deleted_message_comes_back_by_undo(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient
) -> None:
    await deliver(visitor, smtp, message("Dear me"))
    await visitor.click("Unread: Dear me")
    await visitor.is_so("document.querySelector('#subject')")
    await visitor.presses("Delete")
    await visitor.is_so("document.querySelectorAll('[data-message]').length === 0")

    await visitor.presses("z")

    await visitor.is_so("document.querySelectorAll('[data-message]').length === 1")
    assert len(await stored(visitor, http)) == 1


async def test_after_a_deletion_by_key_the_focus_is_on_the_next_message(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, message("Stays"), message("Goes"))
    await visitor.sees("Goes")
    await visitor.presses("j")
    await visitor.is_so("document.querySelector('#subject')?.textContent === 'Goes'")

    await visitor.presses("Delete")

    await visitor.is_so("document.querySelectorAll('[data-message]').length === 1")
    await visitor.is_so("document.activeElement === document.querySelector('[data-message]')")


async def test_a_mailbox_that_another_tab_forgets_takes_its_open_message_away(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, message("Dear me"))
    await visitor.opens("Dear me")

    await visitor.value("""(() => {
        localStorage.removeItem("fake-email.mailboxes")
        dispatchEvent(new StorageEvent("storage", { key: "fake-email.mailboxes" }))
    })()""")

    await visitor.sees_no("Dear me")


async def test_a_deletion_is_sent_when_the_page_is_left(
    visitor: Visitor, smtp: SmtpClient, http: httpx.AsyncClient
) -> None:
    await deliver(visitor, smtp, message("Away with it"))
    await visitor.click("Unread: Away with it")
    await visitor.is_so("document.querySelector('#subject')")
    await visitor.presses("Delete")

    await visitor.visit()

    await visitor.sees("Waiting for mail")
    assert await stored(visitor, http) == []


async def test_the_code_of_an_open_message_is_shown_with_its_evidence_and_copied_by_a_key(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, CODE)
    await visitor.opens("Confirm your sign-up")

    await visitor.is_so("document.querySelector('q mark')?.textContent === '482913'")
    await visitor.is_so("document.querySelector('q').textContent === 'Your verification code is 482913.'")
    await visitor.presses("y")

    await visitor.has_copied("482913")


async def test_an_attachment_is_offered_under_its_name_and_a_picture_is_shown(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, ATTACHMENTS)

    await visitor.opens("Two parts")

    await visitor.is_so("document.querySelector('a[download=\"terms.txt\"]')?.href.includes('/attachments/0?ticket=')")
    await visitor.is_so("document.querySelector('a[download=\"dot.png\"] img')?.naturalWidth === 1")


async def test_all_attachments_come_in_one_archive(visitor: Visitor, smtp: SmtpClient, tmp_path: Path) -> None:
    await visitor.tab.call("Browser.setDownloadBehavior", "", behavior="allow", downloadPath=str(tmp_path))
    await deliver(visitor, smtp, ATTACHMENTS)
    await visitor.opens("Two parts")

    await visitor.click("All 2 as ZIP")

    # The browser makes an empty file of that name before it moves the download there.
    await until(lambda: zipfile.is_zipfile(tmp_path / "attachments.zip"))
    with zipfile.ZipFile(tmp_path / "attachments.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["terms.txt", "dot.png"]
        assert archive.read("terms.txt") == b"Be kind."


async def test_of_many_recipients_the_first_are_shown_above_the_mail(visitor: Visitor, smtp: SmtpClient) -> None:
    people = ", ".join(f"person-{number}@many.test" for number in range(40))
    await deliver(visitor, smtp, f"From: a@b.test\r\nTo: {people}\r\nSubject: To all\r\n\r\nHi\r\n".encode())

    await visitor.opens("To all")

    await visitor.sees("to person-0@many.test, person-1@many.test, person-2@many.test +37")


async def test_a_subject_and_a_sender_without_end_leave_space_for_the_mail(visitor: Visitor, smtp: SmtpClient) -> None:
    await visitor.resize(320, 640)
    await deliver(visitor, smtp, f"From: {'S' * 900} <s@long.test>\r\nSubject: {'x' * 900}\r\n\r\nHi\r\n".encode())

    await visitor.opens("x" * 900)

    await visitor.is_so("document.querySelector('[role=tabpanel]').getBoundingClientRect().top < innerHeight")


async def test_a_link_in_a_plain_text_opens_in_a_new_tab(visitor: Visitor, smtp: SmtpClient) -> None:
    await deliver(visitor, smtp, message("Read on", "The text (https://acme.test/a?b=1) is long."))

    await visitor.opens("Read on")

    link = "document.querySelector('[role=tabpanel] a')"
    await visitor.is_so(f"{link}?.href === 'https://acme.test/a?b=1' && {link}.target === '_blank'")
    await visitor.is_so(f"{link}.rel === 'noopener noreferrer'")
    await visitor.sees("The text (https://acme.test/a?b=1) is long.")
