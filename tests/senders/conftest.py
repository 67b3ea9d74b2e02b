"""Sending hosts for the tests: each is a directory of its own, with hard links to the fetched files."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from senders.fetch import CACHE, DEBIAN, is_usable
from senders.hosts import Exim, Host, OpenSmtpd, Postfix
from support.waiting import deadline

Start = Callable[[int, Path | None], AbstractContextManager[Host]]


@pytest.fixture(params=[Postfix, Exim, OpenSmtpd], ids=lambda host: host.__name__.lower())
def start_host(request: pytest.FixtureRequest) -> Start:
    """Return a context manager that runs a host which sends to a port; with an authority, over TLS."""
    if not is_usable():
        pytest.skip("not fetched: make test-senders, as root, on Debian")

    @contextmanager
    def start(port: int, authority: Path | None) -> Iterator[Host]:
        with tempfile.TemporaryDirectory(dir=CACHE) as directory:
            root = Path(directory) / "root"
            subprocess.run(["cp", "-al", DEBIAN, root], check=True)
            host: Host = request.param(root, port, authority)
            try:
                with host.running():
                    yield host
            finally:
                for _ in deadline():
                    if host.is_at_rest():
                        break

    return start
