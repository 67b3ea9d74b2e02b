"""The settings that a run of setup.sh requests, merged over the settings that the host has."""

import os
import re
import subprocess
import sys

import env_file

_TLS = {
    "TLS_CERT_FILE": "/etc/fake-email/tls/fullchain.pem",
    "TLS_KEY_FILE": "/etc/fake-email/tls/privkey.pem",
}
_HEAD = "# The settings of the services; .env.example in the sources explains each variable.\n"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+")
_SAFE_ORIGIN = "https://my-app-git-*-my-team.vercel.app"
# The rules of fake_email/settings.py, which this host may not have yet; a test compares both.
_ORIGIN = re.compile(r"https?://(?=[a-z0-9*])[a-z0-9.-]*\*?[a-z0-9.-]*(?::(?P<port>[0-9]{1,5}))?")
_UNREGISTERED = {"internal", "local", "localhost", "test"}
_HIGHEST_PORT = 65_535


class Missing(Exception):
    """A setting is missing or invalid; the text names it."""


def text() -> str:
    """The environment file of the host, or the first line of a new one when there is none."""
    done = subprocess.run(["/usr/bin/sudo", "-n", "cat", env_file.PATH], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else _HEAD


def read() -> dict[str, str]:
    """Every setting; raises Missing for a required setting without a value, and for an invalid one."""
    try:
        existing = env_file.read(text())
    except env_file.Unclear as error:
        raise Missing(f"{env_file.PATH}: {error}") from None
    requested = {
        "DATABASE_URL": os.environ.get("DATABASE_URL", "").strip(),
        "DOMAIN": _list(os.environ.get("DOMAIN", "")),
        "CORS_ALLOWED_ORIGINS": _list(os.environ.get("VERCEL_ORIGIN", "")),
    }
    settings = {**_TLS, **existing, **{name: value for name, value in requested.items() if value}}
    for name in ("DATABASE_URL", "DOMAIN"):
        if not settings.get(name):
            raise Missing(f"{name} is missing: run DATABASE_URL=… DOMAIN=… VERCEL_ORIGIN=… deploy/setup.sh")
    if any(ord(character) < ord(" ") for character in settings["DATABASE_URL"]):
        raise Missing("DATABASE_URL contains a line break or a control character")
    for domain in settings["DOMAIN"].split(","):
        if not _DOMAIN.fullmatch(domain):
            raise Missing(f"DOMAIN: {domain!r} is not a domain name, for example fake-email.example")
    for origin in _list(settings.get("CORS_ALLOWED_ORIGINS", "")).split(","):
        if origin and (problem := origin_problem(origin)):
            raise Missing(f"VERCEL_ORIGIN: {origin!r} {problem}")
    return settings


def origin_problem(origin: str) -> str:
    """The reason why the services refuse this origin, or an empty text."""
    matched = _ORIGIN.fullmatch(origin)
    if not matched or int(matched["port"] or 0) > _HIGHEST_PORT:
        return "is not an origin, for example https://your-app.vercel.app"
    labels = [label for label in origin.partition("://")[2].partition(":")[0].split(".") if label]
    if labels[-1] not in _UNREGISTERED and any("*" in label for label in labels[-2:]):
        return (
            "allows the web pages of strangers, who may register such a domain; list each origin, or write the * "
            f"between names of your own, as in {_SAFE_ORIGIN}"
        )
    return ""


def _list(value: str) -> str:
    return ",".join(item.strip().lower() for item in value.split(",") if item.strip())


def main() -> None:
    """`check` exits with an error for invalid settings, `domain` prints the first domain, `file` the new file."""
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
