"""A browser, and a pair of services whose mail it may show."""

from collections.abc import AsyncIterator, Iterator

import browser as chromium
import pytest
from browser import Browser, Tab
from harness import Pair

FRONTENDS = "http://mail.page.test,http://app-*.page.test"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests."""
    program = chromium.command()
    if program is None:
        pytest.skip(f"none of {', '.join(chromium.NAMES)} is installed")
    with chromium.running(program, tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
async def tab(browser: Browser) -> AsyncIterator[Tab]:
    """A page with nothing in it; nobody has been asked for anything yet."""
    async with browser.tab() as tab:
        browser.others.forget()
        yield tab


@pytest.fixture(scope="session")
def shown(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Another http-api on the pair's database, one that knows the frontend."""
    shown = Pair(
        pair.database_url,
        tmp_path_factory.mktemp("shown"),
        CORS_ALLOWED_ORIGINS=FRONTENDS,
    )
    try:
        shown.start_http()
        yield shown
    finally:
        shown.end()
