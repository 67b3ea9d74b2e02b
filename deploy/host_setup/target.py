"""What DATABASE_URL says, of what it takes to knock there (PostgreSQL, "Connection URIs")."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

_DEFAULT_PORT = 5432
_URL = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[^:@/?]*)(?::(?P<password>[^@/?]*))?@)?(?P<places>[^@/?]*)"
    r"(?:/(?P<database>[^?@]*))?(?:\?(?P<query>.*))?"
)
_PLACE = re.compile(r"(?:\[(?P<address>[^\]]*)\]|(?P<host>[^:]*))(?::(?P<port>[0-9]*))?")
_NO_URI = "not a URI; a password with @, / or : in it has them as %40, %2F, %3A"
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
    target_session_attrs: str


def parse(url: str) -> list[Target]:
    """Where the URL points, each of its hosts in their order. Raises NotAUrl."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise NotAUrl("not a Postgres URI, as in postgresql://name:password@host:5432/database")
    parts = _URL.fullmatch(url)
    if not parts:
        raise NotAUrl(_NO_URI)
    given = dict(parse_qsl(parts["query"] or ""))
    user = unquote(parts["user"] or "") or given.get("user", "")
    if not user:
        raise NotAUrl("without a user's name, as in postgresql://name:password@host:5432/database")
    sslmode = given.get("sslmode", "prefer")
    if sslmode not in _MODES:
        raise NotAUrl(f"sslmode is none of {', '.join(sorted(_MODES))}")
    return [
        Target(
            host=host or "/var/run/postgresql",
            port=port,
            user=user,
            password=unquote(parts["password"] or "") or given.get("password", ""),
            database=unquote(parts["database"] or "") or given.get("dbname", "") or user,
            sslmode=sslmode,
            sslrootcert=given.get("sslrootcert", ""),
            options=given.get("options", ""),
            target_session_attrs=given.get("target_session_attrs", "any"),
        )
        for host, port in _places(parts["places"], given)
    ]


def _places(in_authority: str, given: dict[str, str]) -> list[tuple[str, int]]:
    """Each host with its port; of the ports there is one for each host, or one for all."""
    places = [_PLACE.fullmatch(each) for each in in_authority.split(",")]
    ports = [each["port"] or "" for each in places if each]
    hosts = [unquote(each["address"] or each["host"]) for each in places if each]
    if len(hosts) != len(places):
        raise NotAUrl(_NO_URI)
    if given.get("host"):
        hosts = given["host"].split(",")
    if given.get("port"):
        ports = given["port"].split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    if len(ports) != len(hosts) or not all(re.fullmatch("[0-9]{0,5}", port) for port in ports):
        raise NotAUrl("a port that is no number, or not one for each host")
    return [(host, int(port or _DEFAULT_PORT)) for host, port in zip(hosts, ports, strict=True)]
