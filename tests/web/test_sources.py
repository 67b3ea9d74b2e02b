"""The checks of the page's sources: types, what the API promises, and the logic that needs no browser."""

import subprocess
import urllib.request

import page as page_build
import pytest
from support.harness import Pair


def npm(*arguments: str) -> str:
    """Run a script of the page's package.json, and return what it says."""
    ran = subprocess.run(
        ["npm", "run", "--silent", *arguments], cwd=page_build.WEB, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.usefixtures("page_url")
def test_svelte_check_finds_nothing() -> None:
    npm("check")


@pytest.mark.usefixtures("page_url")
def test_the_tests_of_the_logic_pass() -> None:
    npm("test")


@pytest.mark.usefixtures("page_url")
def test_the_types_are_those_of_the_api_document() -> None:
    npm("types", "--", "--check")


def test_the_header_fields_name_the_api_alone(page_url: str, api: Pair) -> None:
    with urllib.request.urlopen(page_url) as response:
        policy = response.headers["Content-Security-Policy"]

    assert f"connect-src {api.http_url};" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
