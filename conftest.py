"""Fixtures for all tests: a Postgres for the run, a new database for each test, and a pair of real services."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import hypothesis
import psycopg
import psycopg.conninfo
import pytest
from postgres import throw_away
from psycopg import sql
from support import browser as chromium
from support.allowed_skips import SkipCheck
from support.browser import Browser, Tab
from support.database import MIGRATIONS
from support.harness import Pair, running_http, running_pair
from support.http_client import client
from support.kept_tests import KeptTests
from support.quick import Quick
from support.reached import ReachedCheck
from support.smtp_client import SmtpClient

from fake_email.postgres import migrate

pytest_plugins = ["pytester"]

_FIRST_WITH_STRATEGY = 150_000
FRONTENDS = "http://mail.page.test,http://app-*.page.test"

# The suite tries the same examples every time; --hypothesis-profile=search --timeout=0 searches long for others.
hypothesis.settings.register_profile("suite", derandomize=True, database=None, deadline=None, print_blob=True)
hypothesis.settings.register_profile("search", max_examples=10_000, database=None, deadline=None, print_blob=True)
hypothesis.settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    for plugin in (KeptTests(), Quick(), SkipCheck(), ReachedCheck()):
        config.pluginmanager.register(plugin)


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """The Postgres in which tests create databases: TEST_DATABASE_URL, else an embedded one."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
    else:
        with throw_away() as server:
            yield server.url


@pytest.fixture(scope="session")
def template(cluster_url: str) -> Iterator[str]:
    """The name of a database with the schema and without rows."""
    with _database(cluster_url, None) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            migrate.migrate(connection, migrate.read(MIGRATIONS))
        yield str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database_url(cluster_url: str, template: str) -> Iterator[str]:
    """A migrated database for one test."""
    with _database(cluster_url, template) as url:
        yield url


@pytest.fixture(scope="session")
def common_database_url(cluster_url: str, template: str) -> Iterator[str]:
    """A migrated database for all tests that use mailboxes of their own."""
    with _database(cluster_url, template) as url:
        yield url


@pytest.fixture
def empty_database_url(cluster_url: str) -> Iterator[str]:
    """An empty database for one test, without the schema."""
    with _database(cluster_url, None) as url:
        yield url


@pytest.fixture(scope="session")
def pair(cluster_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both services as real processes; the tests that share them use mailboxes of their own."""
    with _database(cluster_url, template) as url, running_pair(url, tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest.fixture
def own_pair(database_url: str, tmp_path: Path) -> Iterator[Pair]:
    """A pair whose services the test itself starts and stops."""
    pair = Pair(database_url, tmp_path)
    yield pair
    pair.end()


@pytest.fixture
async def http(pair: Pair) -> AsyncIterator[httpx.AsyncClient]:
    async with client(pair.http_url) as http:
        yield http


@pytest.fixture
async def smtp(pair: Pair) -> AsyncIterator[SmtpClient]:
    """An SMTP session after the greeting."""
    async with SmtpClient.connect(pair.smtp_port) as client:
        yield client


@pytest.fixture
async def address(http: httpx.AsyncClient) -> str:
    """The address of a new mailbox."""
    response = await http.post("/api/temporary-address")
    address: str = response.json()["temp_email_addr"]
    return address


# Of a module: one that nobody uses any more would go on taking the processor's time.
@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests of a file."""
    program = chromium.command()
    if program is None:
        pytest.skip(f"none of {', '.join(chromium.NAMES)} is installed")
    with chromium.running(program, tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
async def tab(browser: Browser) -> AsyncIterator[Tab]:
    """An empty web page, with no requests recorded yet."""
    async with browser.tab() as tab:
        browser.others.forget()
        yield tab


@pytest.fixture(scope="session")
def shown(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Another http-api on the pair's database, which allows the origins of frontends."""
    with running_http(
        pair.database_url,
        tmp_path_factory.mktemp("shown"),
        CORS_ALLOWED_ORIGINS=FRONTENDS,
    ) as shown:
        yield shown


@contextmanager
def _database(cluster_url: str, template: str | None) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} {}")
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        # Postgres 14 knows this way alone. The default of later versions takes half as much time again.
        strategy = sql.SQL("STRATEGY FILE_COPY" if connection.info.server_version >= _FIRST_WITH_STRATEGY else "")
        connection.execute(copied.format(sql.Identifier(name), sql.Identifier(template or "template0"), strategy))
        try:
            yield psycopg.conninfo.make_conninfo(cluster_url, dbname=name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
