"""A mailbox with 1,000 messages: the page draws what is in sight, scrolls and searches."""

import sys

import pytest
from support.content import message
from support.database import put
from support.harness import Pair
from support.visitor import Visitor

COUNT = 1_000
# The rows that a window 800 pixels high shows, and those that the browser draws ahead.
MOST_DRAWN = 60
_WATCH = """
window.tasks = []
new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => Math.round(duration))))
    .observe({ type: "longtask" })
"""
_ROWS = "document.querySelectorAll('[data-message]').length"
_DRAWN = """[...document.querySelectorAll('[data-message]')]
    .filter((each) => each.checkVisibility({ contentVisibilityAuto: true })).length"""


_SCROLL = "document.querySelector('[data-message]').closest('ol').scrollTo(0, 1e9)"
_LIST_ALL = f"""(async () => {{
    const older = () => [...document.querySelectorAll("li.end button")]
        .find((each) => each.textContent.includes("older"))
    while ({_ROWS} < {COUNT}) {{
        older()?.click()
        await new Promise((resolve) => setTimeout(resolve, 20))
    }}
}})()"""


async def tell_long_tasks(visitor: Visitor, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Print how long tasks took, which is not asserted: they also wait for other programs of this machine."""
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: tasks of more than 50 ms: {await visitor.value('JSON.stringify(tasks)')}\n")


@pytest.fixture
async def reader(visitor: Visitor, pair: Pair) -> Visitor:
    """A person who comes back to a mailbox with so many messages."""
    contents = [message(f"Number {number}", f"Your code is {100_000 + number}.") for number in range(1, COUNT + 1)]
    await put(pair.database_url, await visitor.address(), *contents)
    await visitor.visit()
    await visitor.sees(f"Number {COUNT}")
    await visitor.value(_WATCH)
    return visitor


async def test_it_is_listed_in_pieces_of_which_only_the_rows_in_sight_are_drawn(
    reader: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = int(str(await reader.value(_ROWS)))
    assert rows <= 100

    while rows < COUNT:
        await reader.click("Show older mail")
        await reader.is_so(f"{_ROWS} > {rows}")
        rows = int(str(await reader.value(_ROWS)))
        await reader.value(_SCROLL)
        assert int(str(await reader.value(_DRAWN))) <= MOST_DRAWN
    await reader.sees("Number 1")

    await tell_long_tasks(reader, "list", capsys)


async def test_a_search_asks_the_api_and_draws_only_what_it_finds(
    reader: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    await reader.presses("/")
    await reader.types("code:100500")

    await reader.is_so(f"{_ROWS} === 1")
    await reader.sees("Number 500")
    await tell_long_tasks(reader, "search", capsys)


async def test_what_a_search_had_left_out_is_drawn_again_in_slices(
    reader: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    await reader.value(_LIST_ALL)
    await reader.value("tasks.length = 0")
    await reader.presses("/")
    await reader.types("code:100500")
    await reader.is_so(f"{_ROWS} === 1")

    await reader.presses("Escape")

    await reader.is_so(f"{_ROWS} > 1")
    rows = int(str(await reader.value(_ROWS)))
    assert rows <= 100
    await reader.value(_SCROLL)
    await reader.is_so(f"{_ROWS} > {rows}")
    await tell_long_tasks(reader, "search cleared", capsys)


async def test_a_search_that_finds_more_than_a_page_shows_the_older_ones_when_asked(reader: Visitor) -> None:
    await reader.presses("/")
    await reader.types(f"code -{COUNT}")
    await reader.sees_no(f"Number {COUNT}")
    rows = int(str(await reader.value(_ROWS)))
    last = "document.querySelector('li:nth-last-child(2)').textContent"
    assert f"Number {COUNT - rows}" in str(await reader.value(last))

    await reader.click("Show older mail")

    await reader.is_so(f"{_ROWS} > {rows}")
    rows = int(str(await reader.value(_ROWS)))
    assert f"Number {COUNT - rows}" in str(await reader.value(last))
