"""The wheel and the sdist of clients/python, in environments that have nothing else, and the examples of its README."""

import re
import sys
from pathlib import Path

import pytest
from support.environments import environment, run
from support.harness import COMMANDS, Pair
from support.runtimes import PYTHONS

ROOT = Path(__file__).parents[2]
README = ROOT / "clients/python/README.md"
COMPARISON = ROOT / "docs/testing.md"


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


@pytest.fixture
async def artifacts(tmp_path: Path) -> tuple[Path, Path]:
    """The wheel, which is built from the sdist, and the sdist."""
    dist = tmp_path / "dist"
    await run(COMMANDS / "uv", "--quiet", "build", "--no-build-isolation", "--out-dir", dist, "clients/python")
    [wheel], [sdist] = dist.glob("*.whl"), dist.glob("*.tar.gz")
    return wheel, sdist


@pytest.mark.parametrize("python", PYTHONS)
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
    [compared] = re.findall(r"^```python\n(.*?)^```", COMPARISON.read_text(), re.MULTILINE | re.DOTALL)
    (site / "test_compared.py").write_text(f"from app import sign_up\n\n\n{compared}")
    environ = {"FAKE_EMAIL_URL": pair.http_url}

    output = await run(installed, "-m", "pytest", "-q", cwd=site, environ=environ)
    assert re.search(r"^5 passed", output, re.MULTILINE), output
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
