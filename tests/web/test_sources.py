"""The checks of the page's sources: types, header fields, and the logic that needs no browser."""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import page as page_build
import pytest
from support.harness import Pair


def npm(*arguments: str, **environ: str) -> None:
    """Run a script of the page's package.json, which must succeed."""
    ran = subprocess.run(
        ["npm", "run", "--silent", *arguments],
        cwd=page_build.WEB,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.usefixtures("page_url")
def test_svelte_check_finds_nothing() -> None:
    npm("check")


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
