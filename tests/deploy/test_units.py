"""systemd's own tools check the units at the paths where they are installed; nothing is started."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "deploy/systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
COMMANDS = ["venv/bin/http-api", "venv/bin/smtp-ingest", "deploy/certificate.sh"]

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The files of a host that `verify` reads: systemd's units, ours, and the commands of a release."""
    own = next(path for path in (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system")) if path.exists())
    shutil.copytree(own, tmp_path / "usr/lib/systemd/system", symlinks=True)
    shutil.copytree(UNITS, tmp_path / "etc/systemd/system")
    for command in [*(f"opt/fake-email/current/{each}" for each in COMMANDS), "bin/kill"]:
        (tmp_path / command).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / command).touch(mode=0o755)
    return tmp_path


def test_systemd_accepts_every_unit(root: Path) -> None:
    names = [path.name for path in UNITS.iterdir() if path.suffix != ".conf"]

    verified = analyze(f"--root={root}", "verify", *names)

    assert verified.stderr == ""
    assert verified.returncode == 0


@pytest.mark.parametrize("service", SERVICES)
def test_the_exposure_of_a_service_is_at_most_1_2(service: str) -> None:
    judged = analyze("security", "--offline=true", "--threshold=12", str(UNITS / service))

    assert judged.returncode == 0, judged.stdout
