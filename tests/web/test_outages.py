"""The page while http-api or Postgres is away: the status is true, and nothing is missed."""

import asyncio
import shutil
import smtplib
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import page as page_build
import psycopg
import pytest
from postgres import EmbeddedPostgres, throw_away
from support.browser import Browser
from support.content import message
from support.database import MIGRATIONS
from support.harness import Pair, free_port, running_pair
from support.sender import Sender
from support.smtp_client import SmtpClient
from support.visitor import Visitor
from support.waiting import deadline, until

from fake_email.postgres import migrate

_NETWORK: dict[str, object] = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


async def test_a_restart_of_the_api_is_told_and_loses_nothing(visitor: Visitor, api: Pair, smtp: SmtpClient) -> None:
    address = await visitor.address()
    api.services[-1].kill()
    await visitor.sees("No connection to the API")
    await smtp.deliver(message("Sent meanwhile"), address)

    api.start_http()

    await visitor.sees("Sent meanwhile")
    await visitor.is_so("document.querySelector('.status.live')")


@pytest.fixture
async def on_own_postgres(
    built: Path, api: Pair, tmp_path: Path, browser: Browser
) -> AsyncIterator[tuple[Visitor, Pair, EmbeddedPostgres]]:
    """A person at the page of a pair whose Postgres this test itself stops and starts."""
    port = free_port()
    with throw_away() as postgres:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            migrate.migrate(connection, migrate.read(MIGRATIONS))
        with running_pair(postgres.url, tmp_path, CORS_ALLOWED_ORIGINS=f"http://127.0.0.1:{port}") as pair:
            out = rebuilt(built, tmp_path / "page", {api.http_url: pair.http_url})
            with page_build.server(out, port) as server:
                threading.Thread(target=server.serve_forever, daemon=True).start()
                async with browser.tab() as tab:
                    visitor = Visitor(tab, f"http://127.0.0.1:{port}/")
                    await visitor.begin()
                    yield visitor, pair, postgres
                server.shutdown()


def rebuilt(built: Path, out: Path, replaced: dict[str, str]) -> Path:
    """A copy of the build for another API; the origin of the API is all that is different in such a build."""
    shutil.copytree(built, out)
    out.with_name("page.site.json").write_bytes(built.with_name("page.site.json").read_bytes())
    for path in [*out.rglob("*.js"), *out.rglob("*.html"), out.with_name("page.site.json")]:
        text = path.read_text()
        for old, new in replaced.items():
            text = text.replace(old, new)
        path.write_text(text)
    return out


async def test_a_restart_of_postgres_beneath_the_page_loses_nothing(
    on_own_postgres: tuple[Visitor, Pair, EmbeddedPostgres],
) -> None:
    visitor, pair, postgres = on_own_postgres
    address = await visitor.address()
    async with SmtpClient.connect(pair.smtp_port) as smtp:
        await smtp.deliver(message("Sent before"), address)
    await visitor.sees("Sent before")

    postgres.stop()
    postgres.start()
    await until(pair.is_healthy)
    # smtp-ingest connects again by itself; a mail server sends again what was deferred.
    sender = Sender(pair.smtp_port)
    for _ in deadline():
        with suppress(smtplib.SMTPException):
            await asyncio.to_thread(sender.text, address, "Sent after")
            break

    await visitor.sees("Sent after")
    await visitor.sees("Sent before")
    await visitor.is_so("document.querySelector('.status.live')")
    assert await visitor.violations() == []


async def test_an_empty_mailbox_says_that_no_mail_can_appear_while_the_api_is_away(visitor: Visitor, api: Pair) -> None:
    await visitor.sees("Waiting for mail")
    api.services[-1].kill()

    await visitor.sees("No mail can appear right now")
    await visitor.sees_no("Waiting for mail")

    api.start_http()
    await visitor.sees("Waiting for mail")


async def test_an_empty_mailbox_says_that_no_mail_can_appear_while_the_device_is_offline(visitor: Visitor) -> None:
    await visitor.sees("Waiting for mail")
    await visitor.tab.call("Network.emulateNetworkConditions", None, **_NETWORK, offline=True)

    await visitor.sees("This device is offline")
    await visitor.sees("No mail can appear right now")

    await visitor.tab.call("Network.emulateNetworkConditions", None, **_NETWORK, offline=False)
    await visitor.sees("Waiting for mail")


async def test_a_message_that_could_not_be_read_is_shown_once_the_network_is_back(
    visitor: Visitor, smtp: SmtpClient
) -> None:
    await smtp.deliver(message("Read me"), await visitor.address())
    await visitor.sees("Read me")
    await visitor.tab.call("Network.emulateNetworkConditions", None, **_NETWORK, offline=True)
    await visitor.click("Unread: Read me")
    await visitor.sees("The message cannot be shown")

    await visitor.tab.call("Network.emulateNetworkConditions", None, **_NETWORK, offline=False)

    await visitor.is_so("document.querySelector('#subject')?.textContent === 'Read me'")
