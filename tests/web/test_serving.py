"""dev/page.py, which `make run` starts: it serves the page, or says in one line why there is none."""

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import page as page_build
import pytest
from support.harness import Pair, free_port

PROGRAMS = ("dev/page.py", "dev/node.py")
PACKAGES = ("package.json", "package-lock.json", ".npmrc", "web/package.json", "clients/typescript/package.json")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the page in which nothing is installed."""
    for name in (*PROGRAMS, *PACKAGES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page_build.ROOT / name, tmp_path / name)
    return tmp_path


def start(checkout: Path, python: str = sys.executable, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run dev/page.py, which cannot reach npm's registry, until it ends by itself."""
    npm = {"registry": "http://127.0.0.1:1", "cache": f"{checkout}/cache", "fetch_retries": "0"}
    return subprocess.run(
        [python, checkout / "dev/page.py", "http://127.0.0.1:3001", str(free_port())],
        env={"PATH": path or os.environ["PATH"], **{f"npm_config_{name}": value for name, value in npm.items()}},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_machine_without_the_registry_of_npm_is_told_in_one_line(checkout: Path) -> None:
    ended = start(checkout)

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "The page is not built: npm ci" in ended.stderr
    assert "WEB=0 leaves it out" in ended.stderr


def test_without_node_or_with_an_old_one_that_of_the_wheel_is_used(checkout: Path) -> None:
    old = checkout / "old"
    old.mkdir()
    for name in ("node", "npm"):
        (old / name).write_text("#!/bin/sh\necho v18.20.4\n")
        (old / name).chmod(0o755)

    assert "npm ci" in start(checkout, path=str(checkout / "empty")).stderr
    assert "npm ci" in start(checkout, path=f"{old}:/usr/bin:/bin").stderr


def test_a_python_without_the_wheel_and_no_node_is_told_in_one_line(checkout: Path) -> None:
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"

    ended = start(checkout, python=str(python), path=str(checkout / "empty"))

    assert ended.stderr.count("\n") == 1
    assert "Node.js 20.19 or later and npm are needed; WEB=0 leaves it out" in ended.stderr


@pytest.mark.usefixtures("page_url")
def test_a_port_that_is_taken_is_told_with_the_setting(page_port: int, built: Path) -> None:
    with pytest.raises(page_build.PortTaken, match="choose another WEB_PORT"):
        page_build.server(built, page_port)


@pytest.mark.parametrize("path", ["assets/", "nothing", "share.html"])
def test_folders_and_unknown_paths_are_not_found(page_url: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(page_url + path)

    refused.value.close()
    assert refused.value.code == 404
    assert "default-src 'none'" in refused.value.headers["Content-Security-Policy"]


def test_a_build_that_is_there_is_not_made_again(api: Pair, built: Path) -> None:
    before = (built / "index.html").stat().st_mtime_ns

    page_build.build(api.http_url, built)

    assert (built / "index.html").stat().st_mtime_ns == before
