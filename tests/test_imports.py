"""The imports between packages: the services meet in Postgres alone, and the shared package imports neither."""

import ast
import itertools
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
SOURCES = {
    "fake_email": ROOT / "shared/src/fake_email",
    "smtp_ingest": ROOT / "services/smtp-ingest/src/smtp_ingest",
    "http_api": ROOT / "services/http-api/src/http_api",
}
STRANGERS = {
    "fake_email": {"smtp_ingest", "http_api", "aiosmtpd", "granian", "litestar", "uvloop"},
    "smtp_ingest": {"http_api", "granian", "litestar"},
    "http_api": {"smtp_ingest", "aiosmtpd"},
}
# The client is installed without the services.
CLIENT = ROOT / "clients/python/src/fake_email_client"
WORKSPACE = ("shared", "services", "clients", "tests", "dev", "bench")
# Of a source without a match, the syntax tree need not be built: an import in a function is indented or follows a `:`.
INDENTED = re.compile(rb"(?m)(^[ \t\f]+|[:;][ \t\f]*)(import|from)\b")


def imports(tree: ast.AST) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def imported(directory: Path) -> set[str]:
    """The outermost packages that the sources in `directory` import; "" for one by a relative name."""
    names: set[str] = set()
    for path in directory.glob("**/*.py"):
        for node in imports(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            else:
                names.add("" if node.level else str(node.module).partition(".")[0])
    return names


@pytest.mark.parametrize("package", SOURCES)
def test_a_package_imports_no_stranger(package: str) -> None:
    names = imported(SOURCES[package])

    assert names & STRANGERS[package] == set()


@pytest.mark.parametrize("package", SOURCES)
def test_a_package_imports_what_they_share_by_its_whole_name(package: str) -> None:
    names = imported(SOURCES[package])

    assert "fake_email" in names
    assert "" not in names


def test_the_client_imports_what_it_is_installed_with() -> None:
    project = tomllib.loads((CLIENT.parents[1] / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *itertools.chain(*project.get("optional-dependencies", {}).values())]
    installed = {Requirement(each).name.replace("-", "_") for each in named}

    # pytest itself loads the plugin.
    assert imported(CLIENT) - sys.stdlib_module_names == installed | {"fake_email_client", "pytest"}


def test_no_import_stands_inside_a_function() -> None:
    paths = [path for directory in WORKSPACE for path in ROOT.glob(f"{directory}/**/*.py")]

    inside = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in paths
        for source in [path.read_bytes()]
        if INDENTED.search(source)
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in imports(function)
    }

    assert Path(__file__) in paths
    assert inside == set()
