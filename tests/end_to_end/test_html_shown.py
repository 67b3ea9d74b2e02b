"""A newsletter in a real browser: it looks as it was meant to, and loads what is another's only when that is wanted."""

import httpx
import pytest
from support import newsletter
from support.browser import Browser, Tab
from support.harness import Pair, SmtpClient

FRONTEND = "http://mail.page.test"
OTHER_FRONTEND = "http://app-7.page.test"
STRANGER = "http://stranger.page.test"


@pytest.fixture
async def url(shown: Pair, http: httpx.AsyncClient, smtp: SmtpClient, address: str) -> str:
    """Where the newsletter is shown."""
    await smtp.deliver(newsletter.content(), address)
    polled = await http.get("/api/inbox/poll", params={"address": address})
    return f"{shown.http_url}/api/messages/{polled.json()['messages'][-1]['id']}/html"


async def style(tab: Tab, name: str, what: str) -> object:
    """A computed style of the element of this id."""
    [value] = await tab.evaluate(f"getComputedStyle(document.getElementById('{name}'))['{what}']")
    return value


@pytest.mark.parametrize(
    ("name", "what", "value"),
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
async def test_it_looks_as_it_was_meant_to(url: str, tab: Tab, name: str, what: str, value: str) -> None:
    await tab.open(url)

    assert await style(tab, name, what) == value


async def test_the_colour_of_the_page_is_the_mails_own(url: str, tab: Tab) -> None:
    await tab.open(url)

    assert await tab.evaluate("getComputedStyle(document.body).backgroundColor") == ["rgb(238, 238, 238)"]
    assert await tab.evaluate("getComputedStyle(document.body).margin") == ["0px"]


async def test_letters_are_what_they_were(url: str, tab: Tab) -> None:
    await tab.open(url)

    assert await tab.evaluate("document.getElementById('title').textContent") == ["Grüße · © 90°"]


async def test_what_only_other_readers_show_is_not_shown(url: str, tab: Tab) -> None:
    await tab.open(url)

    [text] = await tab.evaluate("document.body.innerText")
    assert "Preheader" not in str(text)
    assert "mso" not in str(text)


async def test_an_image_that_came_with_it_is_rendered(url: str, tab: Tab) -> None:
    await tab.open(url)

    assert await tab.evaluate("[own.complete, own.naturalWidth, own.naturalHeight]") == [[True, 2, 3]]


async def test_nothing_of_others_is_loaded(url: str, browser: Browser, tab: Tab) -> None:
    await tab.open(url)
    await tab.screenshot()

    assert set(tab.requests) == {url}
    assert browser.others.connections == 0
    assert await tab.evaluate("[theirs.naturalWidth, theirs.alt]") == [[0, "A shoe"]]


async def test_images_and_sheets_of_others_are_loaded_when_that_is_wanted_and_learn_nothing_of_the_page(
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
    assert [(asked.url, asked.referer) for asked in browser.others.asked] == [("track.test/p.png?u=1", None)]
    assert await tab.evaluate("pixel.naturalWidth") == [2]


async def test_a_link_opens_in_a_page_of_its_own_that_knows_nothing_of_this_one(
    url: str, browser: Browser, tab: Tab
) -> None:
    await tab.open(url)

    assert await tab.evaluate("[link.href, link.target, link.rel]") == [
        ["https://shop.test/?a=1&b=2", "_blank", "noopener noreferrer nofollow"]
    ]


@pytest.mark.parametrize("frontend", [FRONTEND, OTHER_FRONTEND])
async def test_a_page_of_a_listed_origin_shows_it_in_a_frame(
    url: str, browser: Browser, tab: Tab, frontend: str
) -> None:
    browser.pages.content_of[f"{frontend.removeprefix('http://')}/"] = (
        f"<title>Ours</title><iframe src='{url}'></iframe>"
    )

    await tab.open(f"{frontend}/")

    await tab.holds("document.title", {"Ours": 1, "Message": 1})


async def test_no_other_page_shows_it_in_a_frame(url: str, browser: Browser, tab: Tab) -> None:
    browser.pages.content_of["stranger.page.test/"] = f"<title>Theirs</title><iframe src='{url}'></iframe>"

    await tab.open(f"{STRANGER}/")
    await tab.screenshot()

    assert "Message" not in await tab.evaluate("document.title")


async def test_a_frontend_may_show_it_in_a_document_of_its_own_without_the_headers(
    url: str, browser: Browser, tab: Tab
) -> None:
    browser.pages.content_of["mail.page.test/"] = f"""<title>Ours</title><iframe sandbox></iframe><script type=module>
        document.querySelector("iframe").srcdoc = await (await fetch("{url}")).text()
    </script>"""

    await tab.open(f"{FRONTEND}/")
    await tab.holds("document.title", {"Ours": 1, "Message": 1})
    await tab.screenshot()

    assert browser.others.connections == 0
