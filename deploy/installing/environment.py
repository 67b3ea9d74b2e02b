"""The virtual environment of a release: made at its final place, of the release's own wheels, without network."""

import subprocess
import sys
from pathlib import Path

from installing.errors import Failed

_SECONDS = 300.0


def make(release: Path) -> None:
    """Make `release`/venv with the Python that runs this; raises Failed with what pip said."""
    environment = release / "venv"
    _run([sys.executable, "-m", "venv", str(environment)])
    _run(
        [
            *(str(environment / "bin/python3"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            # pip must read nothing of root's: an index or a constraint there would change what is installed.
            *("--isolated", "--no-cache-dir", "--no-index", f"--find-links={release / 'wheels'}"),
            *("--require-hashes", f"--requirement={release / 'requirements.txt'}"),
        ]
    )


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise Failed(f"the environment cannot be made: {' '.join(command[1:4])} said\n{done.stdout.strip()}")


if __name__ == "__main__":
    make(Path.cwd())
