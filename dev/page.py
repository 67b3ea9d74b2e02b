"""Build the page of `web/` and serve it with production's header fields; `make run` starts this beside the services.

    dev/page.py API_URL PORT

A machine that cannot build the page is told in one line on stderr, and exit status 1.
"""

import hashlib
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO, TypedDict
from urllib.parse import urlsplit

import node

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
BUILT = ROOT / ".local" / "web" / "page"
_NOT_SOURCES = {"node_modules", "dist", "build", "tests"}
# The sources of the page: its own files, the guides that it shows, the client that it uses, the packages of npm.
_SOURCES = ("web", "docs", "clients", "package.json", "package-lock.json")
# The other variables that the build reads: docs/vercel.md describes them.
_VARIABLES = ("CONTACT", "SOURCE_URL")


class Rule(TypedDict):
    """The header fields of the paths that an expression matches; web/headers.js has all rules."""

    path: str
    headers: dict[str, str]


class Site(TypedDict):
    """The facts that the build leaves for its server, beside the files."""

    pages: list[str]
    rules: list[Rule]


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


def read_site(out: Path) -> Site:
    """The facts that a build leaves for its server."""
    site: Site = json.loads(out.with_name(f"{out.name}.site.json").read_text())
    return site


def server(out: Path, port: int) -> ThreadingHTTPServer:
    """A server of the built page on the loopback interface, which already listens."""
    try:
        return _Server(("127.0.0.1", port), partial(_Handler, read_site(out), directory=str(out)))
    except OSError as error:
        raise PortTaken(f"cannot listen on 127.0.0.1:{port} ({error.strerror}): choose another WEB_PORT") from None


class _Server(ThreadingHTTPServer):
    # Several tabs that open at once connect more often than the default of 5, and the kernel would put one off for 1 s.
    request_queue_size = 128


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, site: Site, *arguments: object, directory: str) -> None:
        self._site = site
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]  # what socketserver passes

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        path = urlsplit(self.path).path
        if path.removesuffix("/") in self._site["pages"] and path.endswith("/"):
            self.send_response(HTTPStatus.PERMANENT_REDIRECT)
            self.send_header("Location", path.removesuffix("/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        if path.removesuffix(".html") in self._site["pages"] and path.endswith(".html"):
            # On Vercel a page has no second path; this one would miss the header fields of the first.
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def translate_path(self, path: str) -> str:
        """The file of a path; that of a page ends in `.html`, which its path does not."""
        is_page = urlsplit(path).path in self._site["pages"]
        return super().translate_path(path) + (".html" if is_page else "")

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        found = super().guess_type(path)
        return f"{found}; charset=utf-8" if found.startswith("text/") else found

    def end_headers(self) -> None:
        path = urlsplit(self.path).path
        fields: dict[str, str] = {}
        for rule in self._site["rules"]:
            if re.fullmatch(rule["path"], path):
                fields |= rule["headers"]
        for name, value in fields.items():
            self.send_header(name, value)
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Respond with our own page to an unknown path, as Vercel does."""
        if code != HTTPStatus.NOT_FOUND:
            super().send_error(code, message, explain)
            return
        content = (Path(self.directory) / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def list_directory(self, _path: str | os.PathLike[str]) -> None:
        """Hide what is in a folder, as Vercel does."""
        self.send_error(HTTPStatus.NOT_FOUND)

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
