"""dev/page.py, which `make run` starts: it serves the page, or says in one line why there is none."""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import page as page_build
import pytest
from support.harness import Pair, free_port


def start(*arguments: object, path: str) -> subprocess.CompletedProcess[str]:
    """Run dev/page.py with this PATH until it ends by itself."""
    program = page_build.ROOT / "dev" / "page.py"
    return subprocess.run(
        [sys.executable, program, *map(str, arguments)],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_machine_without_node_is_told_in_one_line(tmp_path: Path) -> None:
    ended = start("http://127.0.0.1:3001", free_port(), path=str(tmp_path))

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "WEB=0 leaves it out" in ended.stderr


def test_an_old_node_is_told_in_one_line(tmp_path: Path) -> None:
    for name in ("node", "npm"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho v18.20.4\n")
        program.chmod(0o755)

    ended = start("http://127.0.0.1:3001", free_port(), path=f"{tmp_path}:/bin")

    assert ended.stderr.count("\n") == 1
    assert "since this is Node.js 18.20.4" in ended.stderr


@pytest.mark.usefixtures("page_url")
def test_a_port_that_is_taken_is_told_with_the_setting(page_port: int, built: Path) -> None:
    with pytest.raises(page_build.PageError, match="choose another WEB_PORT"):
        page_build.server(built, page_port)


@pytest.mark.parametrize("path", ["assets/", "nothing"])
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
