"""The rules of deploy/monitoring, checked and tried by promtool, which comes with Debian's package prometheus."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MONITORING = ROOT / "deploy/monitoring"


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The command: that of this machine, else from the package, which is unpacked and not installed."""
    if installed := shutil.which("promtool"):
        return installed
    if not shutil.which("apt-get"):
        pytest.skip("apt-get, which downloads the container's tools, is missing")
    directory = tmp_path_factory.mktemp("prometheus")
    fetched = subprocess.run(
        ["apt-get", "--quiet=2", "download", "prometheus"], cwd=directory, capture_output=True, text=True, check=False
    )
    if fetched.returncode:
        pytest.skip(f"apt-get download prometheus failed: {fetched.stderr} on {platform.machine()}")
    subprocess.run(["dpkg-deb", "--extract", *directory.glob("*.deb"), directory], check=True)
    return str(directory / "usr/bin/promtool")


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", MONITORING / "rules.yml"),
        ("check", "config", MONITORING / "prometheus.yml"),
        ("test", "rules", Path(__file__).with_name("rules_test.yml")),
    ],
    ids=["rules", "configuration", "alerts"],
)
def test_promtool_accepts_it(promtool: str, arguments: tuple[str | Path, ...]) -> None:
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
