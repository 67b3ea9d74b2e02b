"""The checks of the page's sources: types, header fields, and the logic that needs no browser."""

import json
import urllib.request
from pathlib import Path

import node
import pytest
from support.harness import Pair

ROOT = Path(__file__).parents[2]
MEMBERS = ("web", "clients/typescript")


def npm(*arguments: str, **environ: str) -> None:
    """Run a script of the page's package.json, which must succeed."""
    node.run("run", "--silent", "--workspace", "web", *arguments, **environ)


@pytest.mark.usefixtures("page_url")
def test_the_tests_of_the_logic_pass() -> None:
    npm("test")


def test_the_header_fields_name_the_api_alone(page_url: str, api: Pair) -> None:
    with urllib.request.urlopen(page_url) as response:
        policy = response.headers["Content-Security-Policy"]

    assert f"connect-src {api.http_url};" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy


def test_a_build_on_vercel_sends_the_same_header_fields(page_url: str, api: Pair, tmp_path: Path) -> None:
    npm("build", OUT=str(tmp_path / "web" / "dist"), VERCEL="1", VITE_API_URL=api.http_url)

    config = json.loads((tmp_path / ".vercel/output/config.json").read_text())
    with urllib.request.urlopen(page_url) as response:
        sent = response.headers
    [fields] = [route["headers"] for route in config["routes"] if route.get("src") == "/(.*)"]
    assert {name: sent[name] for name in fields} == fields
    assert (tmp_path / ".vercel/output/static/index.html").exists()


def test_the_lock_pins_each_package_by_hash_and_names_no_registry() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    pinned = {name: each for name, each in packages.items() if "node_modules/" in name and not each.get("link")}

    assert [name for name, each in pinned.items() if "integrity" not in each] == []
    assert {each["resolved"] for each in packages.values() if "resolved" in each} == set(MEMBERS)
