"""The wheel and the sdist of clients/python, in environments that have nothing else, and the examples of its README."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from support.harness import COMMANDS, Pair

ROOT = Path(__file__).parents[2]
README = ROOT / "clients/python/README.md"
SECONDS = 120


def _others() -> list[str]:
    """Other Pythons, for `ALL=1 make test-libraries`: those in PYTHONS, else all that are installed and run."""
    if not os.environ.get("ALL"):
        return []
    names = os.environ.get("PYTHONS", "python3.11 python3.12 python3.13 python3.14").split()
    return [
        name for name in names if shutil.which(name) and not subprocess.run([name, "-c", ""], check=False).returncode
    ]


APP = """
import smtplib
from email.message import EmailMessage


def sign_up(address):
    message = EmailMessage()
    message["From"] = "Ann <ann@example.test>"
    message["Subject"] = "Welcome"
    message.set_content("Your code is 482913.")
    link = '<a href="https://example.test/verify?t=Qm9w">Confirm your address</a>'
    message.add_alternative(f"<p>Your code is 482913. {{link}}</p>", subtype="html")
    with smtplib.SMTP("127.0.0.1", {port}, local_hostname="client.test") as session:
        session.send_message(message, "ann@example.test", [address])
"""


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
    pins = re.findall(r"^[\w.-]+==\S+", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)
    constraints.write_text("\n".join(pins))
    install = (COMMANDS / "uv", "--quiet", "--system-certs", "pip", "install", "--constraints", constraints)
    await run(*install, "--python", path / "bin/python", *packages)
    return path / "bin/python"


@pytest.fixture
async def artifacts(tmp_path: Path) -> tuple[Path, Path]:
    """The wheel, which is built from the sdist, and the sdist."""
    dist = tmp_path / "dist"
    await run(COMMANDS / "uv", "--quiet", "build", "--no-build-isolation", "--out-dir", dist, "clients/python")
    [wheel], [sdist] = dist.glob("*.whl"), dist.glob("*.tar.gz")
    return wheel, sdist


@pytest.mark.parametrize("python", [sys.executable, *_others()])
async def test_the_examples_of_the_readme_run_from_the_wheel(
    pair: Pair, artifacts: tuple[Path, Path], python: str, tmp_path: Path
) -> None:
    tests, *programs = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    wheel, _ = artifacts
    installed = await environment(tmp_path / "environment", python, wheel, "pytest")
    site = tmp_path / "site"
    site.mkdir()
    (site / "app.py").write_text(APP.format(port=pair.smtp_port))
    (site / "test_sign_up.py").write_text(tests)
    environ = {"FAKE_EMAIL_URL": pair.http_url}

    output = await run(installed, "-m", "pytest", "-q", cwd=site, environ=environ)
    assert re.search(r"^4 passed", output, re.MULTILINE), output
    assert len(programs) == 2
    for program in programs:
        await run(installed, "-c", program, cwd=site, environ=environ)


async def test_the_sdist_installs_and_has_types(artifacts: tuple[Path, Path], tmp_path: Path) -> None:
    _, sdist = artifacts
    installed = await environment(tmp_path / "environment", sys.executable, sdist)

    program = "import fake_email_client, pathlib; print(*pathlib.Path(fake_email_client.__file__).parent.glob('py.*'))"
    assert "py.typed" in await run(installed, "-c", program, cwd=tmp_path)


def test_each_recipe_has_at_most_twelve_lines() -> None:
    [tests, *_] = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    recipes = re.split(r"\n(?=def )", tests)[1:]

    assert [len(each.strip().splitlines()) for each in recipes] == [3, 3, 3, 5]
