"""Environments that have a package of the client libraries and what it needs, and nothing else."""

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from support.harness import COMMANDS

ROOT = Path(__file__).parents[2]
SECONDS = 120
# For a package in both, the version of the second holds.
_PINS = (ROOT / "tests/libraries/requirements.txt", ROOT / "requirements-dev.txt")


async def run(*command: str | Path, cwd: Path = ROOT, environ: Mapping[str, str] = MappingProxyType({})) -> str:
    """The output of a program that must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=os.environ | environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def environment(path: Path, python: str, *packages: str | Path) -> Path:
    """The Python of a new environment with these packages, in the versions of the repository."""
    await run(COMMANDS / "uv", "--quiet", "venv", "--python", python, path)
    constraints = path / "constraints.txt"
    pins = dict(pin for file in _PINS for pin in re.findall(r"^([\w.-]+)(==\S+)", file.read_text(), re.MULTILINE))
    constraints.write_text("\n".join(map("".join, pins.items())))
    install = (COMMANDS / "uv", "--quiet", "--system-certs", "pip", "install", "--constraints", constraints)
    await run(*install, "--python", path / "bin/python", *packages)
    return path / "bin/python"
