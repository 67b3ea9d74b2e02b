"""clients/typescript: its own tests on real services, its types, and the examples of its README from its package."""

import re
import shutil
from pathlib import Path

import pytest
from postgres import EmbeddedPostgres
from support.control import controlled
from support.harness import Pair, running_pair
from support.node_package import CLIENT, MODULES, Node, Runtime, examples

FAULTS = "faults.test.js"
# What the fragments of the README take from the code around them.
NAMES = """declare const mail: import("fake-email-client").Mail
declare const box: import("fake-email-client").Mailbox, ann: typeof box, bob: typeof box
declare const address: string, token: string
"""
MOST_LINES = 12
RECIPES = 4


def place(pair: Pair) -> dict[str, str]:
    """The environment that tells a program where the services are."""
    return {"FAKE_EMAIL_URL": pair.http_url, "SMTP_PORT": str(pair.smtp_port)}


@pytest.fixture(scope="module")
def tests(runtime: Runtime) -> list[Path]:
    """The tests of the client, compiled."""
    runtime.node.run(MODULES / "typescript/bin/tsc", "-p", "tsconfig.tests.json")
    return [CLIENT / f"build/tests/{each.stem}.js" for each in sorted(CLIENT.glob("tests/*.test.ts"))]


def test_the_types_are_those_of_the_api(document: Path, node: Node, tmp_path: Path) -> None:
    node.run(MODULES / "openapi-typescript/bin/cli.js", document, "--alphabetize", "-o", tmp_path / "api.ts")

    assert (CLIENT / "src/api.ts").read_text() == (tmp_path / "api.ts").read_text(), "run: make client-types"


def test_each_method_and_each_error_of_the_client(pair: Pair, runtime: Runtime, tests: list[Path]) -> None:
    runtime.test(*(each for each in tests if each.name != FAULTS), environ=place(pair))


def test_the_client_survives_faults(
    own_server: EmbeddedPostgres, runtime: Runtime, tests: list[Path], tmp_path: Path
) -> None:
    limits = {"TRUSTED_PROXIES": "127.0.0.1", "HTTP_MAX_CLIENT_STREAMS": "1"}
    with running_pair(own_server.url, tmp_path, **limits) as pair, controlled(pair, own_server) as control:
        [faults] = [each for each in tests if each.name == FAULTS]
        runtime.test(faults, environ={**place(pair), "CONTROL_URL": control})


def test_the_examples_of_the_readme_run_from_the_package(
    pair: Pair, runtime: Runtime, package: Path, tmp_path: Path
) -> None:
    runtime.node.install(package, tmp_path)
    recipes = examples("Recipes")
    (tmp_path / "sign-up.test.ts").write_text(examples("fake-email-client")[0])
    for number, recipe in enumerate(recipes):
        (tmp_path / f"recipe-{number}.test.ts").write_text(recipe)
    # These are compiled alone: a stream has no end, and a browser page has names of its own.
    for number, fragment in enumerate(examples("Stream") + examples("In a browser page")):
        (tmp_path / f"fragment-{number}.ts").write_text(fragment)
    (tmp_path / "names.d.ts").write_text(NAMES)
    for name in ("app.ts", "smtp.ts"):
        shutil.copy(CLIENT / "tests" / name, tmp_path)

    runtime.node.compile(tmp_path)
    # Each file that calls no test is a test by itself. Node 22 would also run the sources, whose syntax is too new.
    runtime.test(*sorted(tmp_path.glob("*.test.js")), cwd=tmp_path, environ=place(pair))

    assert len(recipes) == RECIPES
    assert all(len(recipe.splitlines()) <= MOST_LINES for recipe in recipes)


def test_the_comparison_with_others_has_the_example_that_runs() -> None:
    page = (CLIENT.parents[1] / "docs/testing.md").read_text()
    codes = [each.rstrip() for each in re.findall(r"^```ts\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    lines = [sum(bool(line) and not line.startswith("import ") for line in code.splitlines()) for code in codes]

    assert codes[0] == examples("fake-email-client")[0].rstrip()
    assert f"| lines of code, without imports | {' | '.join(map(str, lines))} |" in page
