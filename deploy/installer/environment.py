"""Make the virtual environment of a release at its final path, from the release's own wheels, without network."""

import sys
from pathlib import Path

from installer.errors import Failed
from installer.host import run

_SECONDS = 300.0


def make(release: Path) -> None:
    """Make `release`/venv with the Python that runs this; raises Failed with the output of venv or pip."""
    environment = release / "venv"
    made = run(sys.executable, "-m", "venv", str(environment), seconds=_SECONDS)
    if made.status:
        raise Failed(f"venv could not make the virtual environment:\n{made.output}")
    installed = run(
        *(str(environment / "bin/python3"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        # pip must not read root's configuration: an index or a constraint there would change the installation.
        *("--isolated", "--no-cache-dir", "--no-index", f"--find-links={release / 'wheels'}"),
        *("--require-hashes", f"--requirement={release / 'requirements.txt'}"),
        seconds=_SECONDS,
    )
    if installed.status:
        reasons = [*installed.output.splitlines(), *_foreign(release)]
        raise Failed("\n".join(["pip could not install the release:", *reasons]))


def _foreign(release: Path) -> list[str]:
    """A line for each wheel that is for another Python; pip reports these as missing, without the reason."""
    own = f"cp{sys.version_info.major}{sys.version_info.minor}"
    foreign = []
    for wheel in sorted(release.glob("wheels/*.whl")):
        python, abi = wheel.name.split("-")[-3:-1]
        if own not in python.split(".") and abi not in {"abi3", "none"}:
            foreign.append(f"{wheel.name} is for another Python than this host's {own}")
    return foreign


if __name__ == "__main__":
    make(Path.cwd())
