"""A mailbox with 1,000 messages: the page draws what is in sight, scrolls and searches."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.content import message
from support.database import put
from support.harness import Pair
from support.main_thread import traced
from support.visitor import Visitor

COUNT = 1_000
# The rows that a window 800 pixels high shows, and those that the browser draws ahead.
MOST_DRAWN = 60
_ROWS = "document.querySelectorAll('[data-message]').length"
_DRAWN = """[...document.querySelectorAll('[data-message]')]
    .filter((each) => each.checkVisibility({ contentVisibilityAuto: true })).length"""
# A slice of rows that are higher than the observer's margin ends the drawing until the reader scrolls.
_SCROLL = "document.querySelector('[data-message]').closest('ol').scrollTo(0, 1e9)"
_LIST_ALL = f"""(async () => {{
    const older = () => [...document.querySelectorAll("li.end button")]
        .find((each) => each.textContent.includes("older"))
    while ({_ROWS} < {COUNT}) {{
        {_SCROLL}
        older()?.click()
        await new Promise((resolve) => setTimeout(resolve, 20))
    }}
}})()"""

# As on a busy machine.
_LATE = """window.IntersectionObserver = class extends IntersectionObserver {
    constructor(tell, options) {
        const seen = []
        let timer
        super((entries, observer) => {
            seen.push(...entries)
            clearTimeout(timer)
            timer = setTimeout(() => tell(seen.splice(0), observer), 500)
        }, options)
    }
}"""


@asynccontextmanager
async def told(visitor: Visitor, name: str, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[None]:
    """Print the CPU time of the longest tasks; docs/performance.md has what it should be about."""
    async with traced(visitor.tab) as longest:
        yield
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: the longest tasks took {longest} ms of CPU time\n")


def contents() -> list[bytes]:
    return [message(f"Number {number}", f"Your code is {100_000 + number}.") for number in range(1, COUNT + 1)]


async def all_drawn(reader: Visitor) -> int:
    """The number of rows, once all that is loaded is drawn: the page draws more as the reader scrolls."""
    await reader.is_so(f"({_SCROLL}, !document.querySelector('li.end:empty, li.end button[aria-disabled=true]'))")
    return int(str(await reader.value(_ROWS)))


@pytest.fixture
async def reader(visitor: Visitor, pair: Pair) -> Visitor:
    """A person who comes back to a mailbox with so many messages."""
    await put(pair.database_url, await visitor.address(), *contents())
    await visitor.visit()
    await visitor.sees(f"Number {COUNT}")
    return visitor


async def test_a_burst_of_mail_is_listed_and_counted(
    visitor: Visitor, pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    address = await visitor.address()

    async with told(visitor, "burst", capsys):
        await put(pair.database_url, address, *contents())
        await visitor.is_so(f"document.title === '({COUNT}) fake-email'")

    await visitor.is_so(f"document.querySelector('[data-message]').textContent.includes('Number {COUNT}')")
    assert int(str(await visitor.value(_ROWS))) <= 100


async def test_it_is_listed_in_pieces_of_which_only_the_rows_in_sight_are_drawn(
    reader: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    assert int(str(await reader.value(_ROWS))) <= 100

    async with told(reader, "list", capsys):
        while (rows := await all_drawn(reader)) < COUNT:
            await reader.click("Show older mail")
            await reader.is_so(f"{_ROWS} > {rows}")
            await reader.value(_SCROLL)
            assert int(str(await reader.value(_DRAWN))) <= MOST_DRAWN
        await reader.sees("Number 1")


async def test_each_message_that_arrives_in_a_list_of_more_than_a_slice_has_a_row(visitor: Visitor, pair: Pair) -> None:
    address = await visitor.address()
    await put(pair.database_url, address, *contents()[:32])
    await visitor.is_so(f"{_ROWS} === 32")

    for count in range(33, 36):
        await put(pair.database_url, address, contents()[count])

        await visitor.is_so(f"{_ROWS} === {count}")


async def test_a_search_asks_the_api_and_draws_only_what_it_finds(
    reader: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    async with told(reader, "search", capsys):
        await reader.presses("/")
        await reader.types("code:100500")
        await reader.is_so(f"{_ROWS} === 1")

    await reader.sees("Number 500")


async def test_what_a_search_had_left_out_is_drawn_again_in_slices(
    reader: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    await reader.value(_LIST_ALL)
    await reader.presses("/")
    await reader.types("code:100500")
    await reader.is_so(f"{_ROWS} === 1")

    async with told(reader, "search cleared", capsys):
        await reader.presses("Escape")
        await reader.is_so(f"{_ROWS} > 1")
        rows = int(str(await reader.value(_ROWS)))
        assert rows <= 100
        await reader.value(_SCROLL)
        await reader.is_so(f"{_ROWS} > {rows}")


async def test_the_rest_is_drawn_by_a_browser_that_tells_what_is_in_sight_late_and_at_once(
    visitor: Visitor, pair: Pair
) -> None:
    await put(pair.database_url, await visitor.address(), *contents()[:100])
    added = await visitor.tab.call("Page.addScriptToEvaluateOnNewDocument", source=_LATE)
    await visitor.visit()
    await visitor.click("Show older mail")
    await visitor.is_so(f"{_ROWS} === 100")
    await visitor.presses("/")
    await visitor.types("code:100050")
    await visitor.is_so(f"{_ROWS} === 1")
    await visitor.presses("Escape")
    await visitor.is_so(f"{_ROWS} === 50")

    await visitor.value(_SCROLL)

    await visitor.is_so(f"{_ROWS} === 75")
    await visitor.tab.call("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])


async def test_a_search_that_finds_more_than_a_page_shows_the_older_ones_when_asked(reader: Visitor) -> None:
    await reader.presses("/")
    await reader.types(f"code -{COUNT}")
    await reader.sees_no(f"Number {COUNT}")
    rows = await all_drawn(reader)
    last = "document.querySelector('li:nth-last-child(2)').textContent"
    assert f"Number {COUNT - rows}" in str(await reader.value(last))

    await reader.value("document.querySelector('li.end button').focus()")
    await reader.presses("Enter")

    await reader.is_so(f"{_ROWS} > {rows}")
    await reader.is_so(f"document.activeElement.textContent.includes('Number {COUNT - rows - 1}')")
    rows = await all_drawn(reader)
    assert f"Number {COUNT - rows}" in str(await reader.value(last))
