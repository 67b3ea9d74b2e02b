"""Build the page of `web/` and serve it with production's header fields; `make run` starts this beside the services.

    dev/page.py API_URL PORT

A machine that cannot build the page is told in one line on stderr, and exit status 1.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
BUILT = ROOT / ".local" / "web" / "page"
# What vite 8 needs.
_NODE = (20, 19)
_NOT_SOURCES = {"node_modules", "dist", "tests"}
_YEAR = "public, max-age=31536000, immutable"


class PageError(Exception):
    """The page cannot be built or served; the text is one line with the reason."""


class NodeMissing(PageError):
    """Node.js or npm is missing, or too old."""


def build(api_url: str, out: Path) -> None:
    """Build the page for this API into a directory, unless it holds the same build already."""
    npm = _npm()
    stamp = out.with_name(f"{out.name}.stamp")
    wanted = _stamp(api_url)
    if stamp.exists() and stamp.read_text() == wanted and (out / "index.html").exists():
        return
    _install(npm)
    out.parent.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    _command([npm, "run", "--silent", "build"], VITE_API_URL=api_url, OUT=str(out))
    stamp.write_text(wanted)


def server(out: Path, port: int) -> ThreadingHTTPServer:
    """A server of the built page on the loopback interface, which already listens."""
    fields: dict[str, str] = json.loads(out.with_name(f"{out.name}.headers.json").read_text())
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, fields, directory=str(out)))
    except OSError as error:
        raise PageError(f"cannot listen on 127.0.0.1:{port} ({error.strerror}): choose another WEB_PORT") from None


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, fields: dict[str, str], *arguments: object, directory: str) -> None:
        self._fields = fields
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]  # what socketserver passes

    def end_headers(self) -> None:
        for name, value in self._fields.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", _YEAR if self.path.startswith("/assets/") else "no-cache")
        super().end_headers()

    def list_directory(self, _path: str | os.PathLike[str]) -> None:
        """Hide what is in a folder, as Vercel does."""
        self.send_error(404)

    def log_message(self, *_arguments: object) -> None:
        """Keep the terminal for the services."""


def _npm() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    needs = "Node.js {}.{} or later and npm build it; WEB=0 leaves it out".format(*_NODE)
    if not node or not npm:
        raise NodeMissing(f"not built: {needs}")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = tuple(map(int, re.findall(r"\d+", said)[:2]))
    if found < _NODE:
        raise NodeMissing(f"not built, since this is Node.js {said.strip().removeprefix('v')}: {needs}")
    return npm


def _install(npm: str) -> None:
    """Install what the lock names, unless this was done already."""
    done = WEB / "node_modules" / ".installed"
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if not done.exists() or done.read_text() != lock:
        _command([npm, "ci", "--silent", "--no-audit", "--no-fund"])
        done.write_text(lock)


def _command(command: list[str], **environ: str) -> None:
    ran = subprocess.run(command, cwd=WEB, env=os.environ | environ, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        said = [line for line in (ran.stderr + ran.stdout).splitlines() if line.strip()]
        raise PageError(f"not built: {' '.join(command[1:])} failed: {said[-1] if said else ran.returncode}")


def _stamp(api_url: str) -> str:
    """A hash of all that the build is made of."""
    made_of = hashlib.sha256(api_url.encode())
    for path in _sources():
        made_of.update(f"\0{path.relative_to(WEB)}\0".encode() + path.read_bytes())
    return made_of.hexdigest()


def _sources() -> Iterator[Path]:
    for directory, directories, names in os.walk(WEB):
        directories[:] = sorted(set(directories) - _NOT_SOURCES)
        yield from (Path(directory, name) for name in sorted(names))


def main() -> None:
    api_url, port = sys.argv[1:]
    try:
        build(api_url, BUILT)
        with server(BUILT, int(port)) as serving:
            print(f"  Page      http://localhost:{port}", flush=True)
            serving.serve_forever()
    except PageError as error:
        sys.exit(f"The page is {error}" if str(error).startswith("not built") else f"The page: {error}")


if __name__ == "__main__":
    main()
