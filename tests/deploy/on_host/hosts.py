"""Fixtures of the deploy tests: a release of this clone, a host that is set up, and a host that runs the release."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bare
import container_root
import pytest
from shipping import Host

ROOT = Path(__file__).parents[3]
# The Python of the container's Debian.
PYTHON_VERSION = "3.11"


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tarball of `make release`, built once for all test processes."""
    shared = (
        tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.mktemp("r")
    )
    name_file = shared / "release"
    with (shared / "release.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not name_file.exists():
            environ = os.environ | {"PYTHON_VERSION": PYTHON_VERSION}
            made = subprocess.run(
                [sys.executable, ROOT / "deploy/release.py"], env=environ, stdout=subprocess.PIPE, text=True, check=True
            )
            for path in (tarball := Path(made.stdout.strip()), tarball.with_name(f"{tarball.name}.sha256")):
                shutil.copy(path, shared)  # a test may build another release of that name in dist/
            name_file.write_text(tarball.name)
    return shared / name_file.read_text()


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host that setup.sh has set up, without a release."""
    directory = tmp_path_factory.mktemp("around")
    try:
        with bare.bare(f"deployed-{os.getpid()}", directory) as container:
            done = bare.set_up(container)
            assert done.returncode == 0, done.stdout
            yield Host(container, directory)
    except container_root.Unsupported as why:
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def running(host: Host, release: Path) -> Host:
    """A host that runs the release; each test leaves the host in that state."""
    done = host.deploy(release)
    assert done.returncode == 0, done.stdout
    return host
