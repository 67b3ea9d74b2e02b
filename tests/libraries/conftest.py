"""The generators and the programs that they need, as `make test-libraries` installs them."""

import os
from pathlib import Path

import httpx
import pytest
from support.harness import Pair
from support.sender import Sender


@pytest.fixture(scope="session")
def libraries() -> Path:
    """The directory of the Python packages; the packages of Node are in its folder `node`."""
    return Path(os.environ["LIBRARIES"])


@pytest.fixture
def document(pair: Pair, tmp_path: Path) -> Path:
    """The document that the service serves."""
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx.get(f"{pair.http_url}/api/openapi.json").content)
    return path


@pytest.fixture
def sender(pair: Pair) -> Sender:
    return Sender(pair.smtp_port)
