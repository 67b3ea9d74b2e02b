"""Programs of Node, tests in other runtimes, and the package of clients/typescript in a folder of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

CLIENT = Path(__file__).parents[2] / "clients/typescript"
MODULES = CLIENT.parents[1] / "node_modules"
SECONDS = 200
# The packages that the examples of the README need beside the client; @playwright/test is its peer.
_BESIDE = ("@playwright", "@types", "playwright", "playwright-core", "undici-types")
_STRICT = ("--strict", "--rewriteRelativeImportExtensions", "--module", "nodenext", "--target", "es2022")
_LIB = "es2022,dom,esnext.disposable"


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A Node and its npm."""

    node: Path
    npm: Path

    def run(
        self,
        program: str | Path,
        *arguments: str | Path,
        cwd: Path = CLIENT,
        environ: Mapping[str, str] = MappingProxyType({}),
        status: int = 0,
    ) -> None:
        """Run a program of Node that must end with this status, and show what it prints."""
        # Programs that npm and Playwright start find Node in the PATH.
        path = {"PATH": f"{self.node.parent}:{os.environ['PATH']}"}
        _run(self.node, program, *arguments, cwd=cwd, environ={**path, **environ}, status=status)

    def install(self, tarball: Path, folder: Path) -> None:
        """Install the package in an empty folder, with what the examples need beside it."""
        (folder / "package.json").write_text('{"type": "module"}')
        self.run(self.npm, "install", "--silent", "--offline", "--no-save", tarball, cwd=folder)
        for name in _BESIDE:
            (folder / "node_modules" / name).symlink_to(MODULES / name)

    def compile(self, folder: Path) -> None:
        """Compile the TypeScript of a folder with all checks."""
        files = sorted(path.name for path in folder.glob("*.ts"))
        self.run(MODULES / "typescript/bin/tsc", *_STRICT, "--lib", _LIB, *files, cwd=folder)


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """A command that runs tests of `node:test`, and the Node that installs and compiles what they need."""

    node: Node
    command: tuple[str | Path, ...]
    environ: Mapping[str, str] = MappingProxyType({})

    def test(self, *files: Path, environ: Mapping[str, str], cwd: Path = CLIENT) -> None:
        """Run the tests, which must pass, and show what they print."""
        _run(*self.command, *files, cwd=cwd, environ={**self.environ, **environ})


def _run(*command: str | Path, cwd: Path, environ: Mapping[str, str], status: int = 0) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        check=False,
    )
    sys.stdout.write(done.stdout.decode())
    assert done.returncode == status


def examples(section: str) -> list[str]:
    """The examples in a section of the README, which has this heading."""
    readme = (CLIENT / "README.md").read_text()
    [text] = re.findall(rf"^#+ {re.escape(section)}\n(.*?)(?=^#+ |\Z)", readme, re.MULTILINE | re.DOTALL)
    return re.findall(r"^```ts\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
