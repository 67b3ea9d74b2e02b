"""What DATABASE_URL says, of what it takes to knock there (PostgreSQL, "Connection URIs")."""

from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

_DEFAULT_PORT = 5432
_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}


class NotAUrl(Exception):
    """The text says what is wrong, and repeats nothing of the URL, which holds a password."""


class Target(NamedTuple):
    """`host` is a name, an address, or the directory of a socket; the rest as libpq names it."""

    host: str
    port: int
    user: str
    password: str
    database: str
    sslmode: str
    sslrootcert: str
    options: str


def parse(url: str) -> Target:
    """Where the URL points; of several hosts the first. Raises NotAUrl."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise NotAUrl("not a Postgres URI, as in postgresql://name:password@host:5432/database")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotAUrl("not a URI; a password with @, / or : in it has them as %40, %2F, %3A") from None
    given = dict(parse_qsl(parts.query))
    user = unquote(parts.username or "") or given.get("user", "")
    if not user:
        raise NotAUrl("without a user's name, as in postgresql://name:password@host:5432/database")
    sslmode = given.get("sslmode", "prefer")
    if sslmode not in _MODES:
        raise NotAUrl(f"sslmode is none of {', '.join(sorted(_MODES))}")
    return Target(
        host=given.get("host") or unquote(host) or "/var/run/postgresql",
        port=port or int(given.get("port", _DEFAULT_PORT)),
        user=user,
        password=unquote(parts.password or "") or given.get("password", ""),
        database=unquote(parts.path[1:]) or given.get("dbname", "") or user,
        sslmode=sslmode,
        sslrootcert=given.get("sslrootcert", ""),
        options=given.get("options", ""),
    )
