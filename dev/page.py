"""Build the page of `web/` and serve it with production's header fields; `make run` starts this beside the services.

    dev/page.py API_URL PORT

A machine that cannot build the page is told in one line on stderr, and exit status 1.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import node

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
BUILT = ROOT / ".local" / "web" / "page"
_NOT_SOURCES = {"node_modules", "dist", "build", "tests"}
# The page is made of these: its own files, the guides that it shows, the client that it uses, and what npm installs.
_SOURCES = ("web", "docs", "clients", "package.json", "package-lock.json")
# What else the build reads from the environment: docs/vercel.md has them.
_VARIABLES = ("CONTACT", "SOURCE_URL")
_YEAR = "public, max-age=31536000, immutable"


class PortTaken(Exception):
    """The page cannot be served; the text is one line with the reason."""


def build(api_url: str, out: Path) -> None:
    """Build the page for this API into a directory, unless it holds the same build already."""
    stamp = out.with_name(f"{out.name}.stamp")
    wanted = _stamp(api_url)
    if stamp.exists() and stamp.read_text() == wanted and (out / "index.html").exists():
        return
    node.install("page")
    out.parent.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    node.run("run", "--silent", "build", VITE_API_URL=api_url, OUT=str(out))
    stamp.write_text(wanted)


def server(out: Path, port: int) -> ThreadingHTTPServer:
    """A server of the built page on the loopback interface, which already listens."""
    fields: dict[str, str] = json.loads(out.with_name(f"{out.name}.headers.json").read_text())
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, fields, directory=str(out)))
    except OSError as error:
        raise PortTaken(f"cannot listen on 127.0.0.1:{port} ({error.strerror}): choose another WEB_PORT") from None


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


def _stamp(api_url: str) -> str:
    """A hash of all that the build is made of."""
    made_of = hashlib.sha256(repr([api_url, *(os.environ.get(name, "") for name in _VARIABLES)]).encode())
    for path in _sources():
        made_of.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return made_of.hexdigest()


def _sources() -> Iterator[Path]:
    for source in (ROOT / name for name in _SOURCES):
        if source.is_file():
            yield source
        for directory, directories, names in os.walk(source):
            directories[:] = sorted(set(directories) - _NOT_SOURCES)
            yield from (Path(directory, name) for name in sorted(names))


def main() -> None:
    api_url, port = sys.argv[1:]
    try:
        build(api_url, BUILT)
        with server(BUILT, int(port)) as serving:
            print(f"  Page      http://localhost:{port}", flush=True)
            serving.serve_forever()
    except node.NodeError as error:
        sys.exit(f"The page is not built: {error}; WEB=0 leaves it out")
    except PortTaken as error:
        sys.exit(f"The page: {error}")


if __name__ == "__main__":
    main()
