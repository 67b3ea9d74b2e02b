"""Check the database: it must be reachable, accept the login, be new enough, and let us create tables."""

import socket
import ssl
import sys
from contextlib import closing

from host_setup import requested_settings
from host_setup.postgres import NoTls, Refused, Session
from host_setup.target import NotAUrl, Target, parse

_OLDEST = 140_000
_MAY_CREATE = "BEGIN; CREATE TABLE fake_email_setup (nothing integer); ROLLBACK"
_READ_ONLY = "25006"
_SQLSTATES = {
    "28P01": "the password for the user {user} is wrong, or there is no such user",
    "28000": "the user {user} may not log in from this host: {reason}",
    "3D000": "there is no database {database}",
    "42501": "the user {user} may not create tables in the database {database}: {reason}",
    "3F000": "the database {database} has no schema to create tables in: {reason}",
    _READ_ONLY: "the database {database} is a replica or read-only, so mail cannot be stored there",
    "53300": "the server has too many connections already",
    "57P03": "the server is starting or stopping; try again",
}
# libpq tries the next host when one is unreachable; it skips a replica only with one of these target_session_attrs.
_NEXT = {"primary", "read-write"}
_NOT_REACHED = (
    (socket.gaierror, "the name {host} is unknown: check its spelling and the DNS of this host"),
    (ConnectionRefusedError, "{host} is reachable, but nothing listens on port {port}"),
    (TimeoutError, "{host} port {port} does not respond: check firewalls and security groups"),
)


class Unfit(Exception):
    """No host of the URL is usable."""


def main() -> None:
    """Exit status 0: the database is usable. 1: stderr says whether name, port, TLS, password or rights are wrong."""
    try:
        print(look(parse(requested_settings.read()["DATABASE_URL"])))
    except (requested_settings.Missing, NotAUrl, Unfit) as error:
        sys.exit(f"DATABASE_URL: {error}")


def look(targets: list[Target]) -> str:
    """Describe the first usable target; raises Unfit, which gives the reason for each of them."""
    reasons = []
    for target in targets:
        try:
            version = _version(target)
        except (Refused, NoTls, OSError) as error:
            reasons.append(_reason(error, target))
            if isinstance(error, Refused) and error.sqlstate == _READ_ONLY and target.target_session_attrs not in _NEXT:
                reasons[-1] += "; add target_session_attrs=read-write to try the next host" * (len(targets) > 1)
                break
            continue
        if version < _OLDEST:
            raise Unfit(f"Postgres {version // 10_000} is too old: it must be 14 or newer")
        return f"Postgres {version // 10_000} at {target.host} port {target.port}, database {target.database}"
    raise Unfit("; ".join(reasons))


def _version(target: Target) -> int:
    """The version of the server; raises Refused when it is supported but we cannot create tables."""
    with closing(Session(target)) as session:
        [[version]] = session.query("SHOW server_version_num")
        if int(version) >= _OLDEST:
            session.query(_MAY_CREATE)
        return int(version)


def _reason(error: Exception, target: Target) -> str:
    server = f"{target.host} port {target.port}"
    if isinstance(error, Refused):
        sentence = _SQLSTATES.get(error.sqlstate, "{reason}")
        return f"{server}: " + sentence.format(user=target.user, database=target.database, reason=error)
    if isinstance(error, NoTls):
        return f"{server}: the server has no TLS, which sslmode={target.sslmode} requires"
    if isinstance(error, ssl.SSLError):
        return f"{server}: TLS failed: {error.reason or error}"
    for kind, sentence in _NOT_REACHED:
        if isinstance(error, kind):
            return sentence.format(host=target.host, port=target.port)
    return f"{server} cannot be reached: {error}"


if __name__ == "__main__":
    main()
