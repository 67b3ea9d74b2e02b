"""The built page, a web server that serves it, and a browser that has it open."""

import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import node
import page as page_build
import pytest
from support.browser import Browser
from support.harness import Pair, free_port, running_http
from support.http_client import client
from support.visitor import Visitor


@pytest.fixture(scope="session")
def page_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def api(pair: Pair, page_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """An http-api on the pair's database, which allows the origin of the page."""
    origin = f"http://127.0.0.1:{page_port}"
    with running_http(
        pair.database_url,
        tmp_path_factory.mktemp("api"),
        CORS_ALLOWED_ORIGINS=origin,
        SMTP_PUBLIC_HOST="127.0.0.1",
        SMTP_PUBLIC_PORT=str(pair.smtp_port),
    ) as api:
        yield api


@pytest.fixture(scope="session")
def built(api: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the page, built for that http-api."""
    out = tmp_path_factory.mktemp("page") / "page"
    try:
        page_build.build(api.http_url, out)
    except node.NodeMissing as error:
        pytest.skip(f"the page is not built: {error}")
    return out


@pytest.fixture(scope="session")
def page_url(built: Path, page_port: int) -> Iterator[str]:
    """The URL of the page, served as `make run` serves it."""
    with page_build.server(built, page_port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{page_port}/"
        server.shutdown()


@pytest.fixture
async def http(api: Pair) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that http-api."""
    async with client(api.http_url) as http:
        yield http


@pytest.fixture
async def visitor(browser: Browser, page_url: str) -> AsyncIterator[Visitor]:
    """A person at the first visit; afterwards nothing has violated the policy, and no script has failed."""
    async with browser.tab() as tab:
        visitor = Visitor(tab, page_url)
        await visitor.begin()
        yield visitor
        assert await visitor.violations() == []
        assert tab.console == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which `npm ci` has installed for the build."""
    return (node.MODULES / "axe-core" / "axe.min.js").read_text()
