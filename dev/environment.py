"""The environment of the services in development: this process's own, then `.env`, then defaults for a developer."""

import os
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent.parent
ADDRESSES = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": "2525", "HTTP_HOST": "127.0.0.1", "HTTP_PORT": "3001"}
_PAGE = {"WEB": "1", "WEB_PORT": "3000"}
_METRICS = {"SMTP_METRICS_PORT": "9325", "HTTP_METRICS_PORT": "9301"}
_DEFAULTS = {**ADDRESSES, **_PAGE, **_METRICS, "DOMAIN": "fake-email.test"}
_VITE_PORT = "5173"


def read() -> dict[str, str]:
    """Return an environment that has every required setting except DATABASE_URL."""
    # systemd does not interpolate such a file either, and a password may contain a dollar sign.
    from_file = dotenv_values(ROOT / ".env", interpolate=False)
    environ = {name: value for name, value in from_file.items() if value} | os.environ
    environ |= {name: environ.get(name) or default for name, default in _DEFAULTS.items()}
    environ["CORS_ALLOWED_ORIGINS"] = environ.get("CORS_ALLOWED_ORIGINS") or ",".join(
        f"http://{host}:{port}" for port in (environ["WEB_PORT"], _VITE_PORT) for host in ("localhost", "127.0.0.1")
    )
    return {"SMTP_PUBLIC_HOST": environ["SMTP_HOST"], "SMTP_PUBLIC_PORT": environ["SMTP_PORT"]} | environ


def http_url(environ: dict[str, str]) -> str:
    """The base URL of the API."""
    host = environ["HTTP_HOST"]
    return f"http://{f'[{host}]' if ':' in host else host}:{environ['HTTP_PORT']}"


def page_api_url(environ: dict[str, str]) -> str:
    """The base URL of the API for a browser on this machine, which cannot call the address of all interfaces."""
    everywhere = {"0.0.0.0", "::"}
    return http_url(environ | {"HTTP_HOST": "127.0.0.1"} if environ["HTTP_HOST"] in everywhere else environ)
