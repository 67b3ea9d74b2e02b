"""The installation that is examined: its names, where its services are reached, and what of its host may be read."""

from pathlib import Path

import msgspec

from fake_email.doctor.http_call import Site
from fake_email.settings import Settings

RELEASE = Path("/opt/fake-email/current")
_LOOPBACK = "127.0.0.1"
_SMTP_PORT = 25
# A server that listens on any address is reached at these.
_OF_ANY = {"0.0.0.0": _LOOPBACK, "::": "::1"}  # noqa: S104


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """`api` is the public site; `http` and `smtp` are where this machine reaches the services.

    `settings` are None when the installation is examined from another machine. `is_host` is true on a host with
    systemd that `deploy/` has set up.
    """

    domains: tuple[str, ...]
    mail_host: str
    api: Site
    http: Site
    smtp: tuple[str, int]
    origins: tuple[str, ...] = ()
    resolver: tuple[str, int] | None = None
    settings: Settings | None = None
    env_file: Path | None = None
    migrations: Path = Path("db/migrations")
    is_host: bool = False
    disposable_domains: frozenset[str] | None = None


def of_settings(settings: Settings, *, env_file: Path | None, is_host: bool) -> Target:
    """The installation on this machine.

    On a host, systemd binds the ports 25 and 3001, whatever the settings say, and Caddy is in front.
    """
    domain = settings.domain[0]
    http_host, smtp_host = (_OF_ANY.get(host, host) for host in (settings.http_host, settings.smtp_host))
    in_url = f"[{http_host}]" if ":" in http_host else http_host
    http = Site(url=f"http://{_LOOPBACK}:3001" if is_host else f"http://{in_url}:{settings.http_port}")
    return Target(
        domains=settings.domain,
        mail_host=settings.smtp_public_host or f"mail.{domain}",
        api=Site(url=f"https://api.{domain}", connect_to=(_LOOPBACK, 443)) if is_host else http,
        http=http,
        smtp=(_LOOPBACK, _SMTP_PORT) if is_host else (smtp_host, settings.smtp_port),
        origins=settings.cors_allowed_origins,
        settings=settings,
        env_file=env_file,
        is_host=is_host,
    )


def from_anywhere(domains: tuple[str, ...], *, api: str | None, smtp: tuple[str, int] | None) -> Target:
    """The installation for these domains, as the internet sees it."""
    site = Site(url=api or f"https://api.{domains[0]}")
    host, port = smtp or (f"mail.{domains[0]}", _SMTP_PORT)
    is_address = host.replace(".", "").isdigit() or ":" in host
    return Target(
        domains=domains,
        mail_host=f"mail.{domains[0]}" if is_address else host,
        api=site,
        http=site,
        smtp=(host, port),
    )
