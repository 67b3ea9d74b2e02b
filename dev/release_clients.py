"""`make release-clients`: build the packages of clients/ into dist/clients: a wheel, an sdist and a tarball for npm.

A commit always gives the same bytes. With VERSION, the packages must have this version. With REPOSITORY_URL, as
https://example.org/owner/name, the links of the READMEs lead to the tag of the release there. stdout has one line for
each file: its SHA-256 and its path.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import node

ROOT = Path(__file__).parents[1]
PYTHON = Path("clients/python")
NPM = Path("clients/typescript")
_LINK = re.compile(r"\]\(\.\./\.\./")


class ReleaseError(Exception):
    """The packages cannot be released."""


def main() -> None:
    """Exit status 0: the packages are in dist/clients. 1: one of them cannot be built."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist/clients"
    try:
        packages = make(directory, os.environ.get("VERSION", ""), os.environ.get("REPOSITORY_URL", ""))
    except (ReleaseError, node.NodeError) as error:
        sys.exit(f"release-clients: {error}")
    for path in packages:
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path)


def make(directory: Path, wanted: str, repository: str) -> list[Path]:
    """Build the packages into the directory, which has nothing else then; raises ReleaseError."""
    version = checked_version(wanted)
    os.umask(0o022)  # npm packs the modes of files
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="fake-email-clients-") as scratch:
        copied = Path(scratch)
        copy(copied)
        if repository:
            name_repository(copied, repository, f"clients-v{version}")
        build_python(copied / PYTHON, directory)
        build_npm(copied / NPM, directory)
    return sorted(directory.iterdir())


def checked_version(wanted: str) -> str:
    """The one version of the packages, which the changelog of the clients has; raises ReleaseError."""
    python = tomllib.loads((ROOT / PYTHON / "pyproject.toml").read_text())["project"]["version"]
    npm = json.loads((ROOT / NPM / "package.json").read_text())["version"]
    if python != npm:
        raise ReleaseError(f"{PYTHON} has version {python}, {NPM} has {npm}")
    if wanted and wanted != python:
        raise ReleaseError(f"VERSION is {wanted}, the packages have {python}")
    if f"\n## {python}\n" not in (ROOT / "clients/CHANGELOG.md").read_text():
        raise ReleaseError(f"clients/CHANGELOG.md has no section {python}")
    return str(python)


def copy(destination: Path) -> None:
    """Copy what git tracks of the packages, and the license into each."""
    for name in run("git", "ls-files", "-z", "--", str(PYTHON), str(NPM)).split("\0"):
        if name and (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, destination / name)
    for package in (PYTHON, NPM):
        shutil.copy(ROOT / "LICENSE", destination / package)


def name_repository(copied: Path, url: str, tag: str) -> None:
    """Write the address of the repository into the packages: npm compares it with that of the workflow."""
    for package in (PYTHON, NPM):
        readme = copied / package / "README.md"
        readme.write_text(_LINK.sub(f"]({url}/blob/{tag}/", readme.read_text()))
    project = copied / PYTHON / "pyproject.toml"
    project.write_text(f'{project.read_text()}\n[project.urls]\nSource = "{url}"\n')
    manifest = copied / NPM / "package.json"
    named = {"repository": {"type": "git", "url": f"git+{url}.git", "directory": str(NPM)}}
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | named, indent=2))


def build_python(project: Path, directory: Path) -> None:
    """The wheel is built from the sdist."""
    uv = Path(sys.executable).parent / "uv"
    offline = ["--offline", "--no-build-isolation", "--python", sys.executable]
    run(uv, "build", "--quiet", "--no-create-gitignore", *offline, "--out-dir", directory, project)


def build_npm(package: Path, directory: Path) -> None:
    (package / "node_modules").symlink_to(node.MODULES)
    run(*node.npm(), "pack", "--silent", "--pack-destination", directory, cwd=package)


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    environ = {"SOURCE_DATE_EPOCH": committed_at(), **os.environ}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}".strip())
    return done.stdout


def committed_at() -> str:
    """The time of the commit, in seconds since 1970."""
    git = ["git", "show", "--no-patch", "--format=%ct", "HEAD"]
    return subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
