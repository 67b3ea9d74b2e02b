"""Which environment do the services get here? Ours, then what `.env` adds, then what suits a developer."""

import os
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent.parent
ADDRESSES = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": "2525", "HTTP_HOST": "127.0.0.1", "HTTP_PORT": "3001"}
_DEFAULTS = {
    **ADDRESSES,
    "DOMAIN": "fake-email.test",
    "CORS_ALLOWED_ORIGINS": "http://localhost:3000,http://localhost:5173",
}


def read() -> dict[str, str]:
    """Everything but DATABASE_URL is there."""
    # systemd reads such a file without interpolation, and a password may hold a dollar sign.
    written = dotenv_values(ROOT / ".env", interpolate=False)
    environ = {name: value for name, value in written.items() if value} | os.environ
    return environ | {name: environ.get(name) or default for name, default in _DEFAULTS.items()}


def http_url(environ: dict[str, str]) -> str:
    """Where the API is."""
    host = environ["HTTP_HOST"]
    return f"http://{f'[{host}]' if ':' in host else host}:{environ['HTTP_PORT']}"
