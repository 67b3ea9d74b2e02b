"""Parse DATABASE_URL as far as a first connection needs it (PostgreSQL, "Connection URIs")."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

_DEFAULT_PORT = 5432
_URL = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[^:@/?]*)(?::(?P<password>[^@/?]*))?@)?(?P<hosts>[^@/?]*)"
    r"(?:/(?P<database>[^?@]*))?(?:\?(?P<query>.*))?"
)
_HOST = re.compile(r"(?:\[(?P<address>[^\]]*)\]|(?P<host>[^:]*))(?::(?P<port>[0-9]*))?")
_NO_URI = "not a URI; write @, / and : in a password as %40, %2F, %3A"
_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}


class NotAUrl(Exception):
    """The text gives the reason without repeating the URL, which contains a password."""


class Target(NamedTuple):
    """`host` is a name, an address, or the directory of a socket; the other fields are named as in libpq."""

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
    """A target for each host of the URL, in their order; raises NotAUrl."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise NotAUrl("not a Postgres URI, for example postgresql://name:password@host:5432/database")
    parts = _URL.fullmatch(url)
    if not parts:
        raise NotAUrl(_NO_URI)
    query = dict(parse_qsl(parts["query"] or ""))
    user = unquote(parts["user"] or "") or query.get("user", "")
    if not user:
        raise NotAUrl("has no user name, for example postgresql://name:password@host:5432/database")
    sslmode = query.get("sslmode", "prefer")
    if sslmode not in _MODES:
        raise NotAUrl(f"sslmode is not one of {', '.join(sorted(_MODES))}")
    return [
        Target(
            host=host or "/var/run/postgresql",
            port=port,
            user=user,
            password=unquote(parts["password"] or "") or query.get("password", ""),
            database=unquote(parts["database"] or "") or query.get("dbname", "") or user,
            sslmode=sslmode,
            sslrootcert=query.get("sslrootcert", ""),
            options=query.get("options", ""),
            target_session_attrs=query.get("target_session_attrs", "any"),
        )
        for host, port in _hosts(parts["hosts"], query)
    ]


def _hosts(in_authority: str, query: dict[str, str]) -> list[tuple[str, int]]:
    """Each host with its port; a URL has one port for each host, or one for all."""
    matches = [_HOST.fullmatch(each) for each in in_authority.split(",")]
    ports = [each["port"] or "" for each in matches if each]
    hosts = [unquote(each["address"] or each["host"]) for each in matches if each]
    if len(hosts) != len(matches):
        raise NotAUrl(_NO_URI)
    if query.get("host"):
        hosts = query["host"].split(",")
    if query.get("port"):
        ports = query["port"].split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    if len(ports) != len(hosts) or not all(re.fullmatch("[0-9]{0,5}", port) for port in ports):
        raise NotAUrl("a port is not a number, or the ports and hosts differ in number")
    return [(host, int(port or _DEFAULT_PORT)) for host, port in zip(hosts, ports, strict=True)]
