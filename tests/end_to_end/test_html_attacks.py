"""Hostile HTML, sent as mail and shown in a real browser: it runs no script and fetches nothing."""

import asyncio
import re
from html import escape

import httpx
import pytest
from support.attacks import ATTACKS, in_order
from support.browser import Browser, Tab
from support.harness import Pair
from support.http_client import client
from support.smtp_client import SmtpClient
from support.waiting import until

FRONTEND = "http://mail.page.test"
GROUPS = 3  # of frames that a web page has at once
# One attack of each type, opened without a frontend around it.
ALONE = [
    "script",
    "image onerror",
    "body onload",
    "autofocus",
    "details ontoggle",
    "javascript link with a tab",
    "SVG onload",
    "MathML action",
    "CSS background",
    "CSS import",
    "image",
    "background of the body",
    "refresh",
    "refresh to a script",
    "base",
    "frame",
    "object",
    "prefetch",
    "form",
    "mutation by MathML",
]
# Actions of a reader, as far as a script can imitate them.
TOUCH = """
    for (const element of document.querySelectorAll("*")) {
        if (element.localName == "a" && /^(https?:|mailto:|tel:)/.test(element.href)) continue
        for (const name of ["pointerenter", "mouseover", "focus", "click", "toggle", "scroll", "animationstart"])
            element.dispatchEvent(new MouseEvent(name, {bubbles: true, cancelable: true}))
        element.click?.()
        element.focus?.()
    }
    window.dispatchEvent(new Event("hashchange"))
    location.href.startsWith("http") || location.href == "about:blank"
"""

# The number of elements that may cover others.
COVERING = """
    [...document.querySelectorAll("*")]
        .filter(element => !["static", "relative"].includes(getComputedStyle(element).position)).length
"""
_POLICY = re.compile('<meta http-equiv="Content-Security-Policy"[^>]*>')


async def send(smtp: SmtpClient, http: httpx.AsyncClient, address: str, html: str) -> str:
    """Send a message with this HTML over SMTP and return its id."""
    content = (
        b"From: a@client.test\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n" + html.replace("\n", "\r\n").encode() + b"\r\n"
    )
    reply = await smtp.deliver(content, address)
    assert reply.code == 250
    newest = await http.get("/api/inbox/messages", params={"address": address, "limit": 1})
    message_id: str = newest.json()["messages"][0]["id"]
    return message_id


@pytest.fixture(scope="module")
def url_of(pair: Pair, shown: Pair) -> dict[str, str]:
    """The URL of the HTML document of each attack, all sent as messages to one mailbox."""

    async def send_all() -> list[str]:
        async with SmtpClient.connect(pair.smtp_port) as smtp, client(pair.http_url) as http:
            address = (await http.post("/api/temporary-address")).json()["temp_email_addr"]
            return [await send(smtp, http, address, html) for html in ATTACKS.values()]

    ids = asyncio.run(send_all())
    return {name: f"{shown.http_url}/api/messages/{each}/html" for name, each in zip(ATTACKS, ids, strict=True)}


@pytest.fixture(scope="module")
def different_pages(url_of: dict[str, str]) -> dict[str, dict[str, str]]:
    """For each query, the pages that differ from each other, by URL: of most attacks, the same is left."""

    async def fetch(query: str) -> dict[str, str]:
        found: dict[str, tuple[str, str]] = {}
        async with client("") as http:
            for url in url_of.values():
                page = (await http.get(url + query)).raise_for_status().text
                found.setdefault(in_order(page), (url + query, page))
        return dict(found.values())

    return {query: asyncio.run(fetch(query)) for query in ("", "?remote=1")}


@pytest.fixture(params=range(GROUPS))
def group(request: pytest.FixtureRequest) -> int:
    """The position of the first page of a group; every third page from it on is in the group."""
    first: int = request.param
    return first


async def open_frames(browser: Browser, tab: Tab, urls: list[str]) -> None:
    """Open a frontend's web page with each URL in a frame, and imitate a reader in every frame."""
    await open_page(browser, tab, "".join(f"<iframe src='{url}'></iframe>" for url in urls), frames=len(urls))


async def open_page(browser: Browser, tab: Tab, body: str, *, frames: int) -> None:
    browser.pages.content_of["mail.page.test/"] = f"<title>Ours</title><link rel=icon href=data:,>{body}"
    await tab.open(f"{FRONTEND}/")
    await tab.wait_for("document.title", {"Ours": 1, "Message": frames})
    await tab.evaluate(TOUCH)
    await tab.screenshot()


def ran(tab: Tab) -> list[str]:
    """Return the signs that a script ran."""
    return tab.dialogs + tab.console + tab.popups


@pytest.mark.parametrize("name", ALONE)
async def test_an_attack_opened_alone_runs_and_fetches_nothing(
    name: str, url_of: dict[str, str], browser: Browser, tab: Tab
) -> None:
    url = url_of[name]

    await tab.open(url)
    await tab.evaluate(TOUCH)
    await tab.screenshot()

    assert ran(tab) == []
    assert tab.frames == [url]
    assert set(tab.requests) == {url}
    assert browser.others.connections == 0
    assert await tab.evaluate("document.title") == ["Message"]


# Without `embed=1`, a page is the same but for our style and script, and its policies allow less
# (test_without_embed_a_page_is_the_same_but_for_our_style_and_script). So the pages that differ are the same ones too.
async def test_attacks_in_frames_of_a_frontend_run_and_fetch_nothing(
    different_pages: dict[str, dict[str, str]], group: int, browser: Browser, tab: Tab
) -> None:
    urls = [f"{url}?embed=1" for url in different_pages[""]][group::GROUPS]

    await open_frames(browser, tab, urls)

    assert ran(tab) == []
    assert set(tab.frames) <= {f"{FRONTEND}/", *urls}
    assert set(tab.requests) <= {f"{FRONTEND}/", *urls}
    assert browser.others.connections == 0
    await tab.wait_for("document.title", {"Ours": 1, "Message": len(urls)})


async def test_attacks_with_remote_content_run_nothing_and_fetch_only_images_and_sheets(
    different_pages: dict[str, dict[str, str]], group: int, browser: Browser, tab: Tab
) -> None:
    urls = [*different_pages["?remote=1"]][group::GROUPS]

    await open_frames(browser, tab, urls)

    assert ran(tab) == []
    assert set(tab.frames) <= {f"{FRONTEND}/", *urls}
    assert set(tab.resource_types.values()) <= {"Document", "Image", "Stylesheet"}
    assert [each for each in browser.others.requests if each.referer] == []
    await tab.wait_for("document.title", {"Ours": 1, "Message": len(urls)})
    assert await tab.evaluate(COVERING) == [0] * (1 + len(urls))


async def test_an_embedded_page_tells_its_height_and_takes_a_theme(
    shown: Pair, http: httpx.AsyncClient, smtp: SmtpClient, address: str, browser: Browser, tab: Tab
) -> None:
    message_id = await send(smtp, http, address, "<p style='margin:0;height:700px'>tall</p>")
    script = (
        "<script>addEventListener('message', ({ data, source, origin }) => {"
        " if (data.type === 'fake-email:height') {"
        " document.body.dataset.told = `${data.height >= 700} ${origin}`;"
        " source.postMessage({ type: 'fake-email:theme', theme: 'dark' }, '*') } })</script>"
    )
    frame = f"<iframe src='{shown.http_url}/api/messages/{message_id}/html?embed=1'></iframe>"
    browser.pages.content_of["mail.page.test/"] = f"<link rel=icon href=data:,>{script}{frame}"

    await tab.open(f"{FRONTEND}/")

    told = "document.body.dataset.told || String(document.documentElement.hasAttribute('data-fake-email-dark'))"
    await tab.wait_for(told, {"true null": 1, "true": 1})


@pytest.mark.parametrize("query", ["", "?remote=1"])
async def test_nothing_runs_and_nothing_covers_the_page_where_a_frontend_shows_the_html_without_a_policy(
    different_pages: dict[str, dict[str, str]], group: int, query: str, browser: Browser, tab: Tab
) -> None:
    pages = [*different_pages[query].values()][group::GROUPS]
    bare, found = zip(*(_POLICY.subn("", page) for page in pages), strict=True)
    frames = "".join(f'<iframe srcdoc="{escape(page)}"></iframe>' for page in bare)

    await open_page(browser, tab, frames, frames=len(pages))

    assert set(found) == {1}
    assert ran(tab) == []
    assert set(tab.frames) <= {f"{FRONTEND}/", "about:srcdoc"}
    assert await tab.evaluate(COVERING) == [0] * (1 + len(pages))
    if query:
        assert set(tab.resource_types.values()) <= {"Document", "Image", "Stylesheet"}
    else:
        assert set(tab.requests) <= {f"{FRONTEND}/", "about:srcdoc"}
        assert browser.others.connections == 0


@pytest.mark.parametrize(
    "media_type", ["text/html", "image/svg+xml", "image/svg+xml;x=y", 'image/png"><img/src=x/onerror=alert(1)>', "x"]
)
async def test_a_part_of_a_hostile_type_does_not_run_as_an_image_and_is_sent_as_a_file(
    media_type: str, shown: Pair, http: httpx.AsyncClient, smtp: SmtpClient, address: str, browser: Browser, tab: Tab
) -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
    content = (
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/html\r\n\r\n"
        "<img src=cid:a><p style='background:url(cid:a)'>x</p>\r\n"
        f"--b\r\nContent-Type: {media_type}\r\nContent-ID: <a>\r\nContent-Disposition: attachment\r\n\r\n{svg}\r\n"
        "--b--\r\n"
    )
    await smtp.deliver(content.encode(), address)
    polled = await http.get("/api/inbox/poll", params={"address": address})
    url = f"{shown.http_url}/api/messages/{polled.json()['messages'][-1]['id']}"

    await open_frames(browser, tab, [f"{url}/html"])
    file = await http.get(f"{url}/attachments/0")

    assert ran(tab) == []
    assert set(tab.requests) <= {f"{FRONTEND}/", f"{url}/html"}
    assert file.content.startswith(b"<svg")
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "script",
        "image onerror",
        "SVG onload",
        "mutation by noframes",
        "mutation by noscript",
        "javascript link",
        "frame of a document",
        "details ontoggle",
    ],
)
async def test_an_attack_that_is_not_sanitised_runs_in_the_browser(name: str, browser: Browser, tab: Tab) -> None:
    browser.pages.content_of["mail.page.test/"] = ATTACKS[name]

    await tab.open(f"{FRONTEND}/")
    await tab.evaluate(TOUCH)
    await tab.screenshot()

    await until(lambda: bool(tab.dialogs))


@pytest.mark.parametrize("name", ["image", "CSS background with escapes", "CSS image set", "refresh", "frame", "base"])
async def test_an_attack_that_is_not_sanitised_fetches_in_the_browser(name: str, browser: Browser, tab: Tab) -> None:
    browser.pages.content_of["mail.page.test/"] = ATTACKS[name].replace("https:", "http:")

    await tab.open(f"{FRONTEND}/")

    await until(lambda: any(each.url.startswith("evil.test/") for each in browser.others.requests))
