"""A release has the same octets for the same commit, and depends on nothing that the host lacks."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import psycopg_binary
import pytest
from release_build import checks, elf, source, wheels
from release_build.errors import ReleaseError
from release_build.target import Target
from shipping import version_of

ROOT = Path(__file__).parents[3]
TARGET = Target(python="3.12", arch="x86_64")
LOCK = """
# a comment
one==1.0 \\
    --hash=sha256:11 \\
    --hash=sha256:12
    # via nobody
two==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:21
three==3.0 ; python_full_version >= '3.12' and platform_machine == 'x86_64' \\
    --hash=sha256:31
"""


def build(clone: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, clone / "deploy/release.py"],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def copy_tree(destination: Path) -> None:
    """Copy the tracked files of the working tree, links as links."""
    for name in subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).exists():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, destination / name, follow_symlinks=False)


def members(release: Path) -> set[str]:
    with tarfile.open(release) as tar:
        return {name.partition("/")[2] for name in tar.getnames()}


def test_the_same_commit_makes_the_same_octets_in_every_clone(release: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    copy_tree(clone)
    directory = subprocess.check_output(["git", "rev-parse", "--absolute-git-dir"], cwd=ROOT, text=True).strip()
    index = shutil.copy(Path(directory) / "index", tmp_path)
    git = {"GIT_DIR": directory, "GIT_WORK_TREE": str(clone), "GIT_INDEX_FILE": str(index)}

    done = build(clone, PYTHON_VERSION="3.11", TZ="Pacific/Auckland", **git)

    second = Path(done.stdout.strip())
    assert second.name == release.name, done.stderr
    assert second.read_bytes() == release.read_bytes()


def test_a_release_has_a_file_with_its_checksum_beside_it(release: Path) -> None:
    subprocess.run(["sha256sum", "--check", f"{release.name}.sha256"], cwd=release.parent, check=True)


def test_a_release_contains_everything_that_a_host_needs(release: Path) -> None:
    names = members(release)

    assert {"VERSION", "SHA256SUMS", "requirements.txt", "deploy/install.sh", "deploy/setup.sh"} <= names
    assert {f"db/migrations/{path.name}" for path in ROOT.glob("db/migrations/*.sql")} <= names
    for package in ("fake_email", "smtp_ingest", "http_api", "granian", "psycopg_binary", "uvloop"):
        assert [name for name in names if name.startswith(f"wheels/{package}-")], package


def test_each_member_belongs_to_root_and_has_the_time_of_the_commit(release: Path) -> None:
    with tarfile.open(release) as tar:
        attributes = {(member.uid, member.gid, member.mtime) for member in tar.getmembers()}

    assert attributes == {(0, 0, source.committed_at(ROOT))}


def test_the_version_of_a_release_is_the_output_of_git_describe(release: Path) -> None:
    assert version_of(release) == source.version(ROOT)


@pytest.mark.parametrize(
    ("environ", "error"),
    [
        ({"PYTHON_VERSION": "3.10"}, "PYTHON_VERSION: '3.10' is not 3.11 or newer"),
        ({"PYTHON_VERSION": "three"}, "PYTHON_VERSION: 'three' is not 3.11 or newer"),
        ({"ARCH": "riscv64"}, "ARCH: 'riscv64' is neither x86_64 nor aarch64"),
    ],
)
def test_an_unsupported_target_is_refused(environ: dict[str, str], error: str) -> None:
    done = build(ROOT, **environ)

    assert done.returncode == 1
    assert error in done.stderr


@pytest.mark.parametrize(
    ("version", "local"),
    [
        ("0550523", "g0550523"),
        ("a9b72fa-dirty", "ga9b72fa.dirty"),
        ("v1.2.0", "v1.2.0"),
        ("v1.2.0-3-g0550523", "v1.2.0.3.g0550523"),
        ("2026_11-RC1", "2026.11.rc1"),
    ],
)
def test_the_version_of_our_wheels_contains_the_version_of_the_release(version: str, local: str) -> None:
    assert wheels.local_version(version) == local


def test_the_lock_is_evaluated_for_the_target_and_not_for_the_build_machine() -> None:
    assert wheels.locked(LOCK, TARGET) == ["one==1.0 --hash=sha256:11 --hash=sha256:12", "three==3.0 --hash=sha256:31"]
    assert wheels.locked(LOCK, Target(python="3.11", arch="x86_64")) == ["one==1.0 --hash=sha256:11 --hash=sha256:12"]


def test_a_requirement_without_a_checksum_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"not locked with a checksum: four==4\.0"):
        wheels.locked("four==4.0\n", TARGET)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("deploy/x.sh", b"#!/nix/store/0/bin/bash\n", "begins with #!/nix/store/0/bin/bash"),
        ("a.whl: a/x", b"#! /opt/hostedtoolcache/Python/3.12/bin/python\n", "begins with #! /opt/hostedtoolcache"),
        ("a.whl: a/x", b"#!/home/runner/venv/bin/python\n", "begins with #!/home/runner"),
        ("a.whl: a.pth", b"a\n/home/runner/work\n", "points at /home/runner/work"),
        ("venv/pyvenv.cfg", b"home = /usr/bin\n", "belongs to a virtual environment of the machine that built it"),
    ],
)
def test_a_file_with_a_path_of_the_build_machine_is_refused(name: str, content: bytes, complaint: str) -> None:
    (first,) = checks.complaints(name, content, TARGET)

    assert first.startswith(complaint)


@pytest.mark.parametrize(
    "content", [b"#!/bin/sh\n", b"#!/usr/bin/env python3\n", b"#!python\n", b"#![no_std]\n", b"", b"\x7fEL"]
)
def test_a_file_with_a_path_that_every_host_has_is_accepted(content: bytes) -> None:
    assert list(checks.complaints("a.whl: a/x", content, TARGET)) == []


@pytest.fixture(scope="module")
def compiled() -> bytes:
    """A compiled module that looks for its libraries in its own wheel."""
    (module,) = Path(str(psycopg_binary.__file__)).parent.glob("_psycopg.*.so")
    return module.read_bytes()


def test_a_compiled_module_with_relative_library_paths_is_accepted(compiled: bytes) -> None:
    read = elf.read(compiled)

    assert read is not None
    assert read.paths
    assert all(path.startswith("$ORIGIN") for path in read.paths)
    assert list(checks.complaints("a.so", compiled, Target(python="3.12", arch=read.machine))) == []


def test_a_compiled_module_with_absolute_library_paths_is_refused(compiled: bytes) -> None:
    moved = compiled.replace(b"\0$ORIGIN", b"\0/nix/st")

    complaints = list(checks.complaints("a.so", moved, TARGET))

    assert any(each.startswith("looks for libraries in /nix/st") for each in complaints)


def test_a_compiled_module_for_another_machine_is_refused(compiled: bytes) -> None:
    aarch64 = compiled[:18] + b"\xb7\0" + compiled[20:]

    assert "is compiled for aarch64, not for x86_64" in list(checks.complaints("a.so", aarch64, TARGET))


def test_a_damaged_compiled_module_is_refused(compiled: bytes) -> None:
    assert list(checks.complaints("a.so", compiled[:70], TARGET)) == ["is damaged"]


@pytest.mark.parametrize(
    "name",
    [
        "one-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        "one-1.0-cp312-cp312-manylinux_2_17_aarch64.whl",
        "one-1.0-cp312-cp312-manylinux_2_36_x86_64.whl",
        "one-1.0-cp312-cp312-musllinux_1_2_x86_64.whl",
    ],
)
def test_a_wheel_that_does_not_fit_the_target_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / name).write_bytes(b"PK\5\6" + bytes(18))

    with pytest.raises(ReleaseError, match=f"{name}: not for Python 3.12 on x86_64"):
        checks.check(tmp_path, TARGET)


@pytest.mark.parametrize(
    "name",
    [
        "one-1.0-py3-none-any.whl",
        "one-1.0-cp39-abi3-manylinux2014_x86_64.whl",
        "one-1.0-cp312-cp312-manylinux_2_35_x86_64.whl",
        "one-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    ],
)
def test_a_wheel_that_fits_the_target_is_accepted(tmp_path: Path, name: str) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / name).write_bytes(b"PK\5\6" + bytes(18))

    checks.check(tmp_path, TARGET)
