"""The pages beside the inbox in a browser: accessible, from no other host, and with a reference that is complete."""

import json

import httpx
import pytest
from page import Site
from support.browser import Browser
from support.harness import Pair
from support.visitor import Visitor

_AXE = """axe.run(document, { iframes: false }).then(({ violations }) =>
    JSON.stringify(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])))"""


async def findings(visitor: Visitor, axe: str) -> list[str]:
    """The findings of axe-core, and one more when the page is wider than the window."""
    await visitor.value(f"(() => {{ {axe} }})()")
    await visitor.is_still()
    found = json.loads(str(await visitor.value(_AXE)))
    if await visitor.value("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the window")
    return [str(each) for each in found]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
async def test_each_page_is_accessible_and_loads_only_from_its_host_and_the_api(
    visitor: Visitor, site: Site, api: Pair, axe: str, width: int, scheme: str
) -> None:
    await visitor.resize(width, 800)
    await visitor.colours(scheme)
    for path in ["/", *site["pages"], "/nothing"]:
        await visitor.tab.open(visitor.url.rstrip("/") + path)
        await visitor.is_so("document.querySelector('h1') && !document.body.innerText.includes('Loading')")

        assert [path, await findings(visitor, axe)] == [path, []]
        assert [path, await visitor.violations(), visitor.tab.console] == [path, [], []]
        foreign = [url for url in visitor.tab.requests if not url.startswith((visitor.url, f"{api.http_url}/"))]
        assert [path, foreign] == [path, []]
        assert not [url for url, kind in visitor.tab.resource_types.items() if kind == "Font"]


@pytest.fixture
async def reference(visitor: Visitor) -> Visitor:
    await visitor.tab.open(f"{visitor.url}docs/reference")
    await visitor.is_so("document.querySelector('section[id]')")
    return visitor


async def test_the_reference_has_each_call_and_each_code_of_the_document(
    reference: Visitor, http: httpx.AsyncClient
) -> None:
    document = (await http.get("/api/openapi.json")).json()
    calls = {call["operationId"] for path in document["paths"].values() for call in path.values()}
    codes = {
        example["value"]["code"]
        for path in document["paths"].values()
        for call in path.values()
        for response in call["responses"].values()
        for example in response.get("content", {}).get("application/problem+json", {}).get("examples", {}).values()
    }

    shown = "[...document.querySelectorAll('section[id]')].map(({ id }) => id)"
    assert set(json.loads(str(await reference.value(f"JSON.stringify({shown})")))) == calls
    text = str(await reference.value("document.querySelector('article').textContent"))
    assert {code for code in codes if code not in text} == set()


async def test_what_is_folded_is_drawn_when_it_is_opened(reference: Visitor, axe: str) -> None:
    await reference.value("document.querySelector('input[type=search]').focus()")
    await reference.types("wait subject")
    await reference.is_so("document.querySelectorAll('section[id]').length === 1")

    await reference.value("document.querySelectorAll('section details').forEach((each) => (each.open = true))")
    await reference.sees("from_header")
    await reference.sees("No matching message arrived in time")
    await reference.value("document.querySelectorAll('dl details').forEach((each) => (each.open = true))")
    await reference.sees("How certain")

    assert await findings(reference, axe) == []


async def test_a_search_narrows_the_calls(reference: Visitor) -> None:
    await reference.value("document.querySelector('input[type=search]').focus()")
    await reference.types("wait subject")

    await reference.is_so("document.querySelectorAll('section[id]').length === 1")
    await reference.sees("/api/inbox/wait")


async def test_a_link_into_the_reference_leads_to_the_call(visitor: Visitor) -> None:
    await visitor.tab.open(f"{visitor.url}docs/reference#waitForMessage")

    top = "document.querySelector('#waitForMessage')?.getBoundingClientRect().top"
    await visitor.is_so(f"{top} >= 0 && {top} < innerHeight / 2")


async def test_about_is_read_in_the_language_of_the_reader_and_in_the_other(visitor: Visitor) -> None:
    await visitor.tab.open(f"{visitor.url}privacy")
    await visitor.sees("No account, no cookie")

    await visitor.click("Deutsch")

    await visitor.sees("Kein Konto, kein Cookie")
    await visitor.sees_no("No account, no cookie")
    assert await visitor.value("document.documentElement.lang") == "de"


async def test_without_scripts_the_text_is_there(browser: Browser, page_url: str) -> None:
    async with browser.tab() as tab:
        await tab.call("Emulation.setScriptExecutionDisabled", value=True)
        await tab.open(f"{page_url}about")
        await tab.wait_for("document.body.innerText.includes('receives')", {"True": 1})
        await tab.call("Emulation.setScriptExecutionDisabled", value=False)
