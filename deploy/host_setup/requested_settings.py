"""The settings that this run is to leave on the host: what it was called with, over what is there already."""

import os
import re
import subprocess
import sys

import env_file

_TLS = {
    "TLS_CERT_FILE": "/etc/fake-email/tls/fullchain.pem",
    "TLS_KEY_FILE": "/etc/fake-email/tls/privkey.pem",
}
_HEAD = "# What the services read; each variable is explained in .env.example of the sources.\n"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+")
_ORIGIN = re.compile(r"https?://(?=[a-z0-9*])[a-z0-9.-]*\*?[a-z0-9.-]*(?::[0-9]{1,5})?")


class Missing(Exception):
    """The text says what is wrong, or not there."""


def text() -> str:
    """The environment file as it is; the head of one when there is none."""
    done = subprocess.run(["/usr/bin/sudo", "-n", "cat", env_file.PATH], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else _HEAD


def read() -> dict[str, str]:
    """Every setting; raises Missing for one that has to be given, or is wrong."""
    there = env_file.read(text())
    given = {
        "DATABASE_URL": os.environ.get("DATABASE_URL", "").strip(),
        "DOMAIN": _list(os.environ.get("DOMAIN", "")),
        "CORS_ALLOWED_ORIGINS": _list(os.environ.get("VERCEL_ORIGIN", "")),
    }
    settings = {**_TLS, **there, **{name: value for name, value in given.items() if value}}
    for name in ("DATABASE_URL", "DOMAIN"):
        if not settings.get(name):
            raise Missing(f"{name} is not given: DATABASE_URL=… DOMAIN=… VERCEL_ORIGIN=… deploy/setup.sh")
    if any(ord(character) < ord(" ") for character in settings["DATABASE_URL"]):
        raise Missing("DATABASE_URL holds a line break or a control character")
    for domain in settings["DOMAIN"].split(","):
        if not _DOMAIN.fullmatch(domain):
            raise Missing(f"DOMAIN: {domain!r} is not a domain name, as in fake-email.example")
    for origin in filter(None, settings.get("CORS_ALLOWED_ORIGINS", "").split(",")):
        if not _ORIGIN.fullmatch(origin):
            raise Missing(f"VERCEL_ORIGIN: {origin!r} is not an origin, as in https://your-app.vercel.app")
    return settings


def _list(value: str) -> str:
    return ",".join(item.strip().lower() for item in value.split(",") if item.strip())


def main() -> None:
    """`check` says what is wrong, `domain` the first domain, `file` the environment file as it is to be."""
    try:
        settings = read()
    except Missing as error:
        sys.exit(str(error))
    if sys.argv[1] == "domain":
        sys.stdout.write(settings["DOMAIN"].split(",")[0] + "\n")
    elif sys.argv[1] == "file":
        sys.stdout.write(env_file.changed(text(), settings))


if __name__ == "__main__":
    main()
