"""The generators and the programs that they need, as `make test-libraries` installs them."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def libraries() -> Path:
    """The directory of the Python packages; the packages of Node are in its folder `node`."""
    return Path(os.environ["LIBRARIES"])
