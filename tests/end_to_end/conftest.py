"""http-api behind Caddy, for the tests of production's proxy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.harness import Pair, running_http
from support.proxy import Proxy, running_proxy


@pytest.fixture(scope="module")
def shared_proxy(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Caddy in front of the pair, for all tests of a file that only make requests."""
    with running_proxy(tmp_path_factory.mktemp("proxy"), int(pair.environ["HTTP_PORT"])) as proxy:
        yield proxy


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Pair]:
    """http-api alone."""
    with running_http(database_url, tmp_path) as service:
        yield service


@pytest.fixture
def proxy(service: Pair, tmp_path: Path) -> Iterator[Proxy]:
    with running_proxy(tmp_path, int(service.environ["HTTP_PORT"])) as proxy:
        yield proxy
