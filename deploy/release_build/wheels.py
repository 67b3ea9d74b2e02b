"""The wheels of a release: the locked ones for its target, ours built of the clone, all named with their sums."""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from release_build import source
from release_build.errors import ReleaseError
from release_build.target import Target

_PACKAGES = ["shared", "services/smtp-ingest", "services/http-api"]
_VERSION = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)
_LOCKED = re.compile(r"(?P<name>[^\s=;]+==[^\s;]+)(?:\s*;\s*(?P<marker>.*?))?\s*(?P<hashes>(?:\s--hash=\S+)+)")


def fetch(lock: Path, release: Path, target: Target) -> None:
    """Put the wheels that `lock` pins for `target` into `release`, and the part of the lock that names them."""
    _write_requirements(release, locked(lock.read_text(), target))
    platforms = [f"--platform={name}" for name in target.platforms]
    abis = [f"--abi={name}" for name in (target.abi, "abi3", "none")]
    _run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--require-hashes", "--only-binary=:all:", "--implementation=cp", f"--python-version={target.python}"),
        *(*platforms, *abis, f"--dest={release / 'wheels'}", f"--requirement={release / 'requirements.txt'}"),
    )


def locked(lock: str, target: Target) -> list[str]:
    """The requirements of a lock that are for `target`, each with its sums, without the marker."""
    joined = re.sub(r"\s*\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", lock, flags=re.MULTILINE))
    lines = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        found = _LOCKED.fullmatch(line)
        if not found:
            raise ReleaseError(f"requirements.txt: not locked with a sum: {line}")
        # pip would hold the marker against the Python that it runs on itself.
        if target.wants(found["marker"] or ""):
            lines.append(f"{found['name']} {found['hashes'].strip()}")
    return lines


def build(root: Path, release: Path, version: str) -> None:
    """Build our three wheels into `release`; their version says which release they are of."""
    os.environ["SOURCE_DATE_EPOCH"] = str(source.committed_at(root))
    fetched = set(release.glob("wheels/*.whl"))
    with tempfile.TemporaryDirectory() as scratch:
        copied = Path(scratch)
        source.copy(root, copied, _PACKAGES)
        for package in _PACKAGES:
            described = copied / package / "pyproject.toml"
            described.write_text(
                _VERSION.sub(rf'version = "\1+{local_version(version)}"', described.read_text(), count=1)
            )
            _run(sys.executable, "-m", "flit_core.wheel", "--outdir", str(release / "wheels"), str(copied / package))
    own = sorted(set(release.glob("wheels/*.whl")) - fetched)
    if len(own) != len(_PACKAGES):
        raise ReleaseError(f"built {len(own)} wheels of ours, not {len(_PACKAGES)}")
    lines = (release / "requirements.txt").read_text().splitlines()
    _write_requirements(release, lines + [_requirement(wheel) for wheel in own])


def local_version(version: str) -> str:
    """`version` in the form that a package may have behind its own (PEP 440).

    A commit without a tag gets the g that `git describe` has in front of one: as a number it would lose leading zeros.
    """
    return re.sub(r"[^a-z0-9]+", ".", re.sub(r"^(?=[0-9a-f]{7,40}\b)", "g", version.lower())).strip(".")


def _requirement(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    return f"{name.replace('_', '-')}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def _write_requirements(release: Path, lines: list[str]) -> None:
    (release / "requirements.txt").write_text("".join(f"{line}\n" for line in lines))


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"{command[2]} failed:\n{done.stdout.strip()}")
