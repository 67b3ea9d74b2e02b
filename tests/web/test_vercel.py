"""A build on Vercel: the same pages and header fields as from `make run`, and a page that says what to set."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import node
import page as page_build
import pytest
from page import Site
from support.browser import Browser
from support.harness import free_port
from support.visitor import Visitor

NOT_SET = "https://vite-api-url-is-not-set.invalid"


@pytest.fixture(scope="module")
def deployed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a build on Vercel where nobody has named the API."""
    directory = tmp_path_factory.mktemp("vercel")
    settings = json.loads((page_build.ROOT / "vercel.json").read_text())
    assert settings["buildCommand"].startswith("npm ")
    environ = {"OUT": f"{directory}/web/dist", "VERCEL": "1", "VITE_API_URL": "", "CONTACT": "abuse@mail.example"}
    node.run(*settings["buildCommand"].split()[1:], "--silent", **environ)
    return directory


def test_it_installs_from_the_lock_at_the_root() -> None:
    settings = json.loads((page_build.ROOT / "vercel.json").read_text())

    assert settings["installCommand"].startswith("npm ci ")
    assert settings["framework"] is None
    assert (page_build.ROOT / "package-lock.json").exists()


def test_the_header_fields_are_those_of_make_run(deployed: Path, built: Path, site: Site) -> None:
    config = json.loads((deployed / ".vercel/output/config.json").read_text())

    api = re.search(r"connect-src (\S+);", site["rules"][0]["headers"]["Content-Security-Policy"])
    assert api
    sent = [(route["src"], route["headers"]) for route in config["routes"] if route.get("continue")]
    wanted = json.loads(json.dumps(site["rules"]).replace(api[1], NOT_SET))
    assert sent == [(f"^{rule['path']}$", rule["headers"]) for rule in wanted]


def test_each_page_has_its_path_without_html(deployed: Path, site: Site) -> None:
    config = json.loads((deployed / ".vercel/output/config.json").read_text())
    static = deployed / ".vercel/output/static"

    assert {f"/{each['path']}" for each in config["overrides"].values()} == set(site["pages"])
    assert all((static / name).is_file() for name in config["overrides"])
    assert {each["contentType"] for each in config["overrides"].values()} == {"text/html; charset=utf-8"}
    # A file with a path of its own would not be found under its name.
    assert (static / "404.html").is_file()
    assert config["routes"][-2:] == [{"handle": "error"}, {"src": "^/.*$", "status": 404, "dest": "/404.html"}]
    [redirect] = [route for route in config["routes"] if route.get("status") == 308]
    assert re.fullmatch(redirect["src"], "/docs/api/")
    assert not re.fullmatch(redirect["src"], "//evil.test/")


def test_the_contact_is_told_as_the_standard_has_it(deployed: Path) -> None:
    lines = (deployed / "web/dist/.well-known/security.txt").read_text().splitlines()
    fields = dict(line.split(": ", 1) for line in lines)

    # RFC 9116 §2.5.5: less than a year.
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(tz=UTC)
    assert fields["Contact"] == "mailto:abuse@mail.example"
    assert timedelta(days=300) < left < timedelta(days=365)
    assert 'href="mailto:abuse@mail.example"' in (deployed / "web/dist/about.html").read_text()


@pytest.fixture
def url(deployed: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of that build, served."""
    port = free_port()
    shutil.copytree(deployed / "web", tmp_path / "web")
    with page_build.server(tmp_path / "web/dist", port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{port}/"
        server.shutdown()


async def test_without_the_api_each_page_says_what_to_set(url: str, browser: Browser) -> None:
    async with browser.tab() as tab:
        visitor = Visitor(tab, url)
        await tab.open(url)
        await visitor.sees(f"No API at {NOT_SET}")
        await visitor.sees("Set VITE_API_URL")

        await tab.open(f"{url}docs/reference")
        await visitor.sees("VITE_API_URL")
