"""List the pins of the lock files that are behind a release which has been out for 90 days; a workflow runs this.

Exit status 0: no pin is behind. 1: stdout has a line for each pin that is. `make lock UPGRADE=--upgrade` renews them.
"""

import datetime
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
# The fuzzer and the older Nodes are left out: the Makefile holds them below a release on purpose.
LOCKS = (
    *("requirements.txt", "requirements-dev.txt", "requirements-uv.txt"),
    *("tests/libraries/requirements.txt", "tests/training/requirements.txt"),
)
DAYS = 90
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def pins(lock: str) -> dict[str, Version]:
    """The pinned version of each package; of several, for several Pythons, the newest."""
    found: dict[str, Version] = {}
    for name, version in _PIN.findall(lock):
        found[name] = max(Version(version), found.get(name, Version(version)))
    return found


def behind(pinned: Mapping[str, Version], released: Mapping[str, Version]) -> list[str]:
    """A line for each package whose pin is older than its release."""
    return [
        f"{name} {version} -> {released[name]}"
        for name, version in sorted(pinned.items())
        if name in released and version < released[name]
    ]


def newest(names: list[str], before: datetime.date) -> dict[str, Version]:
    """The newest release of each package before this day, whatever the bounds of the other packages are."""
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--no-config", "--system-certs"]
    options = ["--no-deps", "--universal", "--python-version=3.11", f"--exclude-newer={before.isoformat()}", "-"]
    compiled = subprocess.run([*uv, *options], input="\n".join(names), stdout=subprocess.PIPE, text=True, check=True)
    return pins(compiled.stdout)


def main() -> None:
    locks = [pins((ROOT / lock).read_text()) for lock in LOCKS]
    before = datetime.datetime.now(tz=datetime.UTC).date() - datetime.timedelta(days=DAYS)
    released = newest(sorted({name for pinned in locks for name in pinned}), before)
    # A package that two locks pin is listed once for each pin that is behind.
    lines = sorted({line for pinned in locks for line in behind(pinned, released)})
    for line in lines:
        print(line)
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
