"""Caddy with deploy/Caddyfile; only the ports and the certificate authority differ from production."""

import json
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from support.harness import COMMANDS, free_port
from support.waiting import DEADLINE_SECONDS, deadline

CADDYFILE = Path(__file__).parents[2] / "deploy/Caddyfile"
DOMAIN = "fake-email.example"
API, MAIL = f"api.{DOMAIN}", f"mail.{DOMAIN}"


class Proxy:
    """A running Caddy."""

    def __init__(self, directory: Path, http_port: int, https_port: int) -> None:
        self._directory = directory
        self.http_port = http_port
        self.https_port = https_port

    def log(self) -> list[dict[str, object]]:
        """Return the entries that Caddy has logged so far."""
        lines = (self._directory / "caddy.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def context(self) -> ssl.SSLContext:
        """Return a TLS context that trusts only Caddy's certificate authority."""
        return ssl.create_default_context(cafile=self._directory / "caddy/pki/authorities/local/root.crt")

    def client(self, host: str = API, *, local_address: str | None = None, **headers: str) -> httpx.AsyncClient:
        """Return a client that connects to Caddy for this host; it does not follow redirects."""

        async def name(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = host

        return httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{self.https_port}",
            headers={"Host": host, **headers},
            event_hooks={"request": [name]},
            timeout=2 * DEADLINE_SECONDS,
            transport=httpx.AsyncHTTPTransport(verify=self.context(), local_address=local_address),
        )

    def is_ready(self) -> bool:
        """Return whether both host names have their certificates."""
        try:
            for name in (API, MAIL):
                with socket.create_connection(("127.0.0.1", self.https_port), DEADLINE_SECONDS) as connection:
                    self.context().wrap_socket(connection, server_hostname=name).close()
        except OSError:
            return False
        return True


@contextmanager
def running_proxy(directory: Path, api_port: int, *, request_seconds: float | None = None) -> Iterator[Proxy]:
    """Run Caddy in front of 127.0.0.1:`api_port`; `request_seconds` is its deadline for reading a request."""
    proxy = Proxy(directory, free_port(), free_port())
    environ = os.environ | {"HOME": str(directory), "DOMAIN": DOMAIN, "HTTP_PORT": str(api_port)}
    adapt = [str(COMMANDS / "caddy"), "adapt", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    adapted = subprocess.run(adapt, env=environ, capture_output=True, text=True, check=True)
    (directory / "caddy.json").write_text(
        json.dumps(_with_test_settings(json.loads(adapted.stdout), proxy, directory, request_seconds))
    )
    with (directory / "caddy.log").open("wb") as log:
        command = [str(COMMANDS / "caddy"), "run", "--config", str(directory / "caddy.json")]
        caddy = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        assert any(proxy.is_ready() for _ in deadline(2 * DEADLINE_SECONDS)), (directory / "caddy.log").read_text()
        yield proxy
    finally:
        caddy.kill()
        caddy.wait(DEADLINE_SECONDS)


def _with_test_settings(
    config: dict[str, dict[str, object]], proxy: Proxy, directory: Path, request_seconds: float | None
) -> dict[str, object]:
    """Return the configuration on free ports, with the certificate authority of `tls internal`."""
    http = config["apps"]["http"]
    assert isinstance(http, dict)
    http |= {"http_port": proxy.http_port, "https_port": proxy.https_port}
    [server] = http["servers"].values()
    server["listen"] = [f"127.0.0.1:{proxy.https_port}"]
    if request_seconds is not None:
        server["read_timeout"] = f"{request_seconds}s"
    return {
        **config,
        "admin": {"disabled": True},
        "storage": {"module": "file_system", "root": str(directory / "caddy")},
        "apps": {
            **config["apps"],
            "tls": {"automation": {"policies": [{"issuers": [{"module": "internal"}]}]}},
            "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
        },
    }
