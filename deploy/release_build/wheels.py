"""The wheels of a release: the locked ones for its target and our own, all listed with their checksums."""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from release_build import source
from release_build.errors import ReleaseError
from release_build.target import Target

_PACKAGES = ["shared", "services/smtp-ingest", "services/http-api"]
# Published as source alone, in pure Python.
_SOURCES = ("authres", "dkimpy", "pyspf")
_VERSION = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)
_LOCKED = re.compile(r"(?P<name>[^\s=;]+==[^\s;]+)(?:\s*;\s*(?P<marker>.*?))?\s*(?P<hashes>(?:\s--hash=\S+)+)")


def fetch(lock: Path, release: Path, target: Target) -> None:
    """Download what `lock` pins for `target` into `release` as wheels, and write their part of the lock there."""
    pinned = locked(lock.read_text(), target)
    sources = [line for line in pinned if line.startswith(_SOURCES)]
    _write_requirements(release, [line for line in pinned if line not in sources])
    platforms = [f"--platform={name}" for name in target.platforms]
    abis = [f"--abi={name}" for name in (target.abi, "abi3", "none")]
    _run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--require-hashes", "--only-binary=:all:", "--implementation=cp", f"--python-version={target.python}"),
        *(*platforms, *abis, f"--dest={release / 'wheels'}", f"--requirement={release / 'requirements.txt'}"),
    )
    _build_sources(release, sources)


def _build_sources(release: Path, sources: list[str]) -> None:
    """Build the wheels of locked sources; their checksums are those of the wheels."""
    with tempfile.TemporaryDirectory() as scratch:
        pins, built = Path(scratch, "requirements.txt"), Path(scratch, "wheels")
        pins.write_text("".join(f"{line}\n" for line in sources))
        _run(
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"),
            # With the setuptools of this environment, which is locked, and not with one that pip chooses.
            *("--require-hashes", "--no-binary=:all:", "--no-build-isolation", "--no-cache-dir"),
            *(f"--wheel-dir={built}", f"--requirement={pins}"),
        )
        wheels = sorted(built.glob("*.whl"))
        for wheel in wheels:
            shutil.copy(wheel, release / "wheels")
        _add_requirements(release, wheels)


def locked(lock: str, target: Target) -> list[str]:
    """The requirements of a lock that apply to `target`, each with its checksums and without its marker."""
    joined = re.sub(r"\s*\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", lock, flags=re.MULTILINE))
    lines = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        requirement = _LOCKED.fullmatch(line)
        if not requirement:
            raise ReleaseError(f"requirements.txt: not locked with a checksum: {line}")
        # The marker is evaluated here: pip would evaluate it for the Python that runs pip.
        if target.wants(requirement["marker"] or ""):
            lines.append(f"{requirement['name']} {requirement['hashes'].strip()}")
    return lines


def build(root: Path, release: Path, version: str) -> None:
    """Build our three wheels into `release`; their version contains the version of the release."""
    fetched = set(release.glob("wheels/*.whl"))
    with tempfile.TemporaryDirectory() as scratch:
        copied = Path(scratch)
        source.copy(root, copied, _PACKAGES)
        for package in _PACKAGES:
            project = copied / package / "pyproject.toml"
            project.write_text(_VERSION.sub(rf'version = "\1+{local_version(version)}"', project.read_text(), count=1))
            _run(sys.executable, "-m", "flit_core.wheel", "--outdir", str(release / "wheels"), str(copied / package))
    own = sorted(set(release.glob("wheels/*.whl")) - fetched)
    if len(own) != len(_PACKAGES):
        raise ReleaseError(f"built {len(own)} wheels of ours, not {len(_PACKAGES)}")
    _add_requirements(release, own)


def local_version(version: str) -> str:
    """`version` as a local version identifier (PEP 440).

    A bare commit hash gets the prefix "g" of `git describe`: as a number, the hash would lose its leading zeros.
    """
    return re.sub(r"[^a-z0-9]+", ".", re.sub(r"^(?=[0-9a-f]{7,40}\b)", "g", version.lower())).strip(".")


def _requirement(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    return f"{name.replace('_', '-')}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def _add_requirements(release: Path, wheels: list[Path]) -> None:
    lines = (release / "requirements.txt").read_text().splitlines()
    _write_requirements(release, lines + [_requirement(wheel) for wheel in wheels])


def _write_requirements(release: Path, lines: list[str]) -> None:
    (release / "requirements.txt").write_text("".join(f"{line}\n" for line in lines))


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"{command[2]} failed:\n{done.stdout.strip()}")
