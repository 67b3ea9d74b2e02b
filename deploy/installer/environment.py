"""The virtual environment of a release: made at its final place, of the release's own wheels, without network."""

import sys
from pathlib import Path

from installer.errors import Failed
from installer.host import run

_SECONDS = 300.0


def make(release: Path) -> None:
    """Make `release`/venv with the Python that runs this; raises Failed with what pip said."""
    environment = release / "venv"
    made = run(sys.executable, "-m", "venv", str(environment), seconds=_SECONDS)
    if made.status:
        raise Failed(f"the environment cannot be made: venv said\n{made.output}")
    installed = run(
        *(str(environment / "bin/python3"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        # pip must read nothing of root's: an index or a constraint there would change what is installed.
        *("--isolated", "--no-cache-dir", "--no-index", f"--find-links={release / 'wheels'}"),
        *("--require-hashes", f"--requirement={release / 'requirements.txt'}"),
        seconds=_SECONDS,
    )
    if installed.status:
        said = [*installed.output.splitlines(), *_foreign(release)]
        raise Failed("\n".join(["the environment cannot be made: pip said", *said]))


def _foreign(release: Path) -> list[str]:
    """The wheels for another Python than this one, which pip does not mention: it sees none of that name."""
    own = f"cp{sys.version_info.major}{sys.version_info.minor}"
    found = []
    for wheel in sorted(release.glob("wheels/*.whl")):
        python, abi = wheel.name.split("-")[-3:-1]
        if own not in python.split(".") and abi not in {"abi3", "none"}:
            found.append(f"{wheel.name} is for another Python than this host's {own}")
    return found


if __name__ == "__main__":
    make(Path.cwd())
