"""A newsletter in a real browser: it looks as intended, and loads remote content only on request."""

import httpx
import pytest
from support import newsletter
from support.browser import Browser, Tab
from support.harness import Pair
from support.smtp_client import SmtpClient
from support.waiting import until

FRONTEND = "http://mail.page.test"
OTHER_FRONTEND = "http://app-7.page.test"
STRANGER = "http://stranger.page.test"


# An image in every place that CSS has for one; evil.test is asked for each.
IMAGES = """<html style="background:url(http://evil.test/html.png)">
    <style>p{background:url(http://evil.test/rule.png)}</style>
    <body style="background:url(http://evil.test/body.png)">
    <p>x</p><b style="background-image:url(http://evil.test/element.png)">x</b>"""
IN_A_FRAME = "<iframe src='{url}'></iframe>"
IN_A_DOCUMENT_OF_ITS_OWN = """<iframe sandbox></iframe><script type=module>
    document.querySelector("iframe").srcdoc = await (await fetch("{url}")).text()
</script>"""


@pytest.fixture
async def url(shown: Pair, http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> str:
    """The URL of the newsletter's HTML document."""
    await smtp.deliver(newsletter.content(), address)
    polled = await http.get("/api/inbox/poll", params={"address": address})
    return f"{shown.http_url}/api/messages/{polled.json()['messages'][-1]['id']}/html"


async def style(tab: Tab, element_id: str, name: str) -> object:
    """Return a computed style of an element."""
    [value] = await tab.evaluate(f"getComputedStyle(document.getElementById('{element_id}'))['{name}']")
    return value


@pytest.mark.parametrize(
    ("element_id", "name", "value"),
    [
        ("frame", "width", "600px"),
        ("frame", "backgroundColor", "rgb(255, 255, 255)"),
        ("logo", "textAlign", "-webkit-right"),
        ("logo", "paddingTop", "20px"),
        ("logo", "borderBottomColor", "rgb(255, 0, 0)"),
        ("hero", "backgroundColor", "rgb(0, 255, 0)"),
        ("hero", "backgroundImage", "none"),
        ("title", "color", "rgb(1, 2, 3)"),
        ("title", "fontSize", "30px"),
        ("text", "color", "rgb(51, 102, 153)"),
        ("font", "color", "rgb(255, 0, 0)"),
        ("link", "backgroundColor", "rgb(0, 0, 255)"),
        ("link", "display", "inline-block"),
        ("phone", "display", "none"),
    ],
)
async def test_a_newsletter_keeps_its_styles(url: str, tab: Tab, element_id: str, name: str, value: str) -> None:
    await tab.open(url)

    assert await style(tab, element_id, name) == value


async def test_the_body_keeps_its_background_and_has_no_margin(url: str, tab: Tab) -> None:
    await tab.open(url)

    assert await tab.evaluate("getComputedStyle(document.body).backgroundColor") == ["rgb(238, 238, 238)"]
    assert await tab.evaluate("getComputedStyle(document.body).margin") == ["0px"]


async def test_letters_outside_ascii_are_shown(url: str, tab: Tab) -> None:
    await tab.open(url)

    assert await tab.evaluate("document.getElementById('title').textContent") == ["Grüße · © 90°"]


async def test_hidden_preheaders_and_outlook_comments_are_not_shown(url: str, tab: Tab) -> None:
    await tab.open(url)

    [text] = await tab.evaluate("document.body.innerText")
    assert "Preheader" not in str(text)
    assert "mso" not in str(text)


async def test_an_attached_image_is_rendered(url: str, tab: Tab) -> None:
    await tab.open(url)

    assert await tab.evaluate("[own.complete, own.naturalWidth, own.naturalHeight]") == [[True, 2, 3]]


async def test_no_remote_content_is_loaded_by_default(url: str, browser: Browser, tab: Tab) -> None:
    await tab.open(url)
    await tab.screenshot()

    assert set(tab.requests) == {url}
    assert browser.others.connections == 0
    assert await tab.evaluate("[theirs.naturalWidth, theirs.alt]") == [[0, "A shoe"]]


async def test_remote_images_and_sheets_are_loaded_on_request_without_a_referer(
    url: str, browser: Browser, tab: Tab
) -> None:
    await tab.open(f"{url}?remote=1")
    await tab.screenshot()

    assert set(tab.requests) == {
        f"{url}?remote=1",
        "https://fonts.test/a.css",
        "https://images.test/hero.png",
        "https://images.test/a.png",
        "http://track.test/p.png?u=1",
    }
    assert [(each.url, each.referer) for each in browser.others.requests] == [("track.test/p.png?u=1", None)]
    assert await tab.evaluate("pixel.naturalWidth") == [2]


async def test_a_link_opens_a_new_tab_without_opener_and_referrer(url: str, browser: Browser, tab: Tab) -> None:
    await tab.open(url)

    assert await tab.evaluate("[link.href, link.target, link.rel]") == [
        ["https://shop.test/?a=1&b=2", "_blank", "noopener noreferrer nofollow"]
    ]


@pytest.mark.parametrize("frontend", [FRONTEND, OTHER_FRONTEND])
async def test_a_web_page_of_an_allowed_origin_shows_it_in_a_frame(
    url: str, browser: Browser, tab: Tab, frontend: str
) -> None:
    browser.pages.content_of[f"{frontend.removeprefix('http://')}/"] = (
        f"<title>Ours</title><iframe src='{url}'></iframe>"
    )

    await tab.open(f"{frontend}/")

    await tab.wait_for("document.title", {"Ours": 1, "Message": 1})


async def test_a_web_page_of_another_origin_cannot_show_it_in_a_frame(url: str, browser: Browser, tab: Tab) -> None:
    browser.pages.content_of["stranger.page.test/"] = f"<title>Theirs</title><iframe src='{url}'></iframe>"

    await tab.open(f"{STRANGER}/")
    await tab.screenshot()

    assert "Message" not in await tab.evaluate("document.title")


async def test_a_frontend_may_show_it_in_a_srcdoc_frame_without_its_header_fields(
    url: str, browser: Browser, tab: Tab
) -> None:
    browser.pages.content_of["mail.page.test/"] = f"<title>Ours</title>{IN_A_DOCUMENT_OF_ITS_OWN.format(url=url)}"

    await tab.open(f"{FRONTEND}/")
    await tab.wait_for("document.title", {"Ours": 1, "Message": 1})
    await tab.screenshot()

    assert browser.others.connections == 0


@pytest.mark.parametrize("shown_as", [IN_A_FRAME, IN_A_DOCUMENT_OF_ITS_OWN])
async def test_images_in_css_do_not_learn_where_they_are_shown(
    shown_as: str, shown: Pair, http: httpx.AsyncClient, smtp: SmtpClient, address: str, browser: Browser, tab: Tab
) -> None:
    await smtp.deliver(b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + IMAGES.encode() + b"\r\n", address)
    polled = await http.get("/api/inbox/poll", params={"address": address})
    url = f"{shown.http_url}/api/messages/{polled.json()['messages'][-1]['id']}/html?remote=1"
    browser.pages.content_of["mail.page.test/"] = f"<title>Ours</title>{shown_as.format(url=url)}"

    await tab.open(f"{FRONTEND}/")
    await tab.wait_for("document.title", {"Ours": 1, "Message": 1})
    await tab.screenshot()

    await until(lambda: len(browser.others.requests) == 4)
    assert {(asked.url, asked.referer) for asked in browser.others.requests} == {
        (f"evil.test/{name}.png", None) for name in ("html", "rule", "body", "element")
    }
