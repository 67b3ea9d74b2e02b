"""`make release-clients`: the packages are the same bytes whenever and wherever a commit is built."""

import hashlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]["version"]


def sums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_second_build_has_the_same_bytes(packages: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "TZ": "Asia/Tokyo", "LANG": "C"}
    command: list[str | Path] = [sys.executable, ROOT / "dev/release_clients.py", tmp_path]
    subprocess.run(command, env=environ, check=True, umask=0o077)

    assert sums(tmp_path) == sums(packages)
    assert sums(packages).keys() == {
        f"fake-email-client-{VERSION}.tgz",
        f"fake_email_client-{VERSION}.tar.gz",
        f"fake_email_client-{VERSION}-py3-none-any.whl",
    }


def test_a_version_that_the_packages_do_not_have_is_not_built(tmp_path: Path) -> None:
    command: list[str | Path] = [sys.executable, ROOT / "dev/release_clients.py", tmp_path / "packages"]
    done = subprocess.run(command, env={**os.environ, "VERSION": "9.9.9"}, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (1, f"release-clients: VERSION is 9.9.9, the packages have {VERSION}\n")
    assert not (tmp_path / "packages").exists()
