"""Mail that is shared by a ticket: it is read and never changed, and the ticket stays in the fragment."""

import httpx
import pytest
from support.attacks import ATTACKS
from support.content import message
from support.database import put
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.visitor import CODE, Visitor, deliver, share


@pytest.fixture
async def address(visitor: Visitor) -> str:
    return await visitor.address()


async def test_the_mail_is_listed_and_more_arrives(
    visitor: Visitor, address: str, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, CODE)

    await share(visitor, http)
    await visitor.sees("Confirm your sign-up")
    await smtp.deliver(message("Sent later"), address)

    await visitor.sees("Sent later")


async def test_many_messages_are_listed_in_pieces(
    visitor: Visitor, address: str, http: httpx.AsyncClient, pair: Pair
) -> None:
    await put(pair.database_url, address, *(message(f"Number {number}") for number in range(150)))
    await share(visitor, http)
    await visitor.is_so("document.querySelectorAll('[data-message]').length === 100")

    await visitor.click("Show older mail")

    await visitor.is_so("document.querySelectorAll('[data-message]').length === 150")
    await visitor.is_so("document.querySelector('li:last-child b').textContent === 'Number 0'")


async def test_a_message_is_read_with_its_code_and_html_and_stays_unread(
    visitor: Visitor, address: str, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, CODE)
    key = {"Authorization": f"Bearer {await visitor.token()}"}
    await share(visitor, http)

    await visitor.click("ACME Accounts")

    await visitor.is_so("document.querySelector('.number')?.textContent.includes('482913')")
    await visitor.tab.wait_for("document.querySelector('b')?.textContent === '482913'", {"True": 1, "False": 1})
    await visitor.is_so("document.querySelector('iframe').height > 0")
    inbox = await http.get("/api/inbox", params={"address": address}, headers=key)
    assert inbox.json()["unseen_count"] == 1


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
async def test_the_list_and_an_open_message_are_accessible(
    visitor: Visitor, http: httpx.AsyncClient, smtp: SmtpClient, axe: str, width: int, scheme: str
) -> None:
    await deliver(visitor, smtp, CODE)
    await visitor.resize(width, 800)
    await visitor.colours(scheme)
    await share(visitor, http)
    await visitor.sees("Confirm your sign-up")
    await visitor.value(f"(() => {{ {axe} }})()")
    find = "axe.run(document, { iframes: false }).then(({ violations }) => violations.map(({ id }) => id).join())"
    await visitor.is_still()
    assert await visitor.value(find) == ""

    await visitor.click("ACME Accounts")
    await visitor.is_so("document.querySelector('iframe')")

    await visitor.is_still()
    assert await visitor.value(find) == ""
    await visitor.is_so("document.documentElement.scrollWidth <= innerWidth")


async def test_a_deleted_message_leaves_the_list(
    visitor: Visitor, address: str, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, message("Not for long"))
    key = {"Authorization": f"Bearer {await visitor.token()}"}
    await share(visitor, http)
    await visitor.sees("Not for long")

    await http.delete("/api/inbox/messages", params={"address": address, "query": "subject:long"}, headers=key)

    await visitor.sees("No mail yet")


async def test_an_open_message_that_is_deleted_says_so(
    visitor: Visitor, address: str, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    await visitor.resize(390, 800)
    await deliver(visitor, smtp, CODE)
    key = {"Authorization": f"Bearer {await visitor.token()}"}
    await share(visitor, http)
    await visitor.click("ACME Accounts")
    await visitor.is_so("document.querySelector('iframe')")

    await http.delete("/api/inbox/messages", params={"address": address}, headers=key)

    await visitor.sees("This message is not there any more")
    await visitor.sees("482913")


async def test_the_ticket_reaches_the_api_alone_and_no_title(
    visitor: Visitor, api: Pair, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    await deliver(visitor, smtp, CODE)
    made = await share(visitor, http)
    await visitor.click("ACME Accounts")
    await visitor.is_so("document.querySelector('iframe')")

    # The fragment of a URL is shown in the record of a request, and never sent.
    sent = [url.partition("#")[0] for url in visitor.tab.requests]
    assert [url for url in sent if made in url and not url.startswith(api.http_url)] == []
    assert made not in str(await visitor.value("document.title + document.referrer"))


async def test_a_link_whose_mailbox_is_over_says_so(visitor: Visitor, address: str, http: httpx.AsyncClient) -> None:
    key = {"Authorization": f"Bearer {await visitor.token()}"}
    await share(visitor, http)

    await http.delete("/api/inbox", params={"address": address}, headers=key)

    await visitor.sees("This link has ended")


@pytest.mark.parametrize(
    ("fragment", "said"), [("", "not complete"), ("#short", "not complete"), ("#" + "a" * 32, "ended")]
)
async def test_a_wrong_link_says_so(visitor: Visitor, fragment: str, said: str) -> None:
    await visitor.tab.open(f"{visitor.url}share{fragment}")

    await visitor.sees(said)
    await visitor.sees("Make a mailbox of your own")


async def test_a_restart_of_the_api_loses_nothing(
    visitor: Visitor, address: str, api: Pair, http: httpx.AsyncClient, smtp: SmtpClient
) -> None:
    await share(visitor, http)
    api.services[-1].kill()
    await visitor.sees("No connection to the API")
    await smtp.deliver(message("Sent meanwhile"), address)

    api.start_http()

    await visitor.sees("Sent meanwhile")


async def test_a_hostile_message_does_nothing(visitor: Visitor, http: httpx.AsyncClient, smtp: SmtpClient) -> None:
    for name in ("script", "script never closed", "form", "refresh to a script", "another policy"):
        html = ATTACKS[name]
        await deliver(
            visitor,
            smtp,
            f"From: {html} <x@evil.test>\r\nSubject: {html}\r\nContent-Type: text/html\r\n\r\n{html}\r\n".encode(),
        )
    await share(visitor, http)
    await visitor.is_so("document.querySelectorAll('[data-message]').length === 5")

    for at in range(5):
        await visitor.value(f"document.querySelectorAll('[data-message]')[{at}].click()")
        await visitor.is_so("document.querySelector('iframe')")

    assert visitor.tab.dialogs == []
    assert not [url for url in visitor.tab.requests if "evil.test" in url.partition("#")[0]]


@pytest.mark.usefixtures("address")
async def test_a_lost_network_is_told_at_once_and_the_mail_goes_on_afterwards(
    visitor: Visitor, http: httpx.AsyncClient
) -> None:
    await share(visitor, http)
    network: dict[str, object] = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    await visitor.tab.call("Network.emulateNetworkConditions", None, **network, offline=True)

    await visitor.sees("No connection to the API")

    await visitor.tab.call("Network.emulateNetworkConditions", None, **network, offline=False)
    await visitor.sees("Live")
