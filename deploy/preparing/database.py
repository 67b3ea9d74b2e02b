"""Whether the database can be worked with: reached, logged in to, new enough, and ours to make tables in."""

import socket
import ssl
import sys
from contextlib import closing

from preparing import wanted
from preparing.postgres import NoTls, Refused, Session
from preparing.target import NotAUrl, Target, parse

_OLDEST = 140_000
_MAY_CREATE = "BEGIN; CREATE TABLE fake_email_setup (nothing integer); ROLLBACK"
_SQLSTATES = {
    "28P01": "the password is wrong for the user {user}, or there is no such user",
    "28000": "the user {user} may not log in from here: {said}",
    "3D000": "there is no database {database}",
    "42501": "the user {user} may not make tables in the database {database}: {said}",
    "3F000": "there is no schema for tables in the database {database}: {said}",
    "25006": "the database {database} is a replica or read-only, and mail cannot be stored there",
    "53300": "the server has too many connections already",
    "57P03": "the server is starting or ending; try again",
}
_NOT_REACHED = (
    (socket.gaierror, "the name {host} is not known: is it spelt right, and does DNS work here?"),
    (ConnectionRefusedError, "{host} is there, and nothing listens on port {port}"),
    (TimeoutError, "{host} port {port} does not answer: a firewall or a security group in between?"),
)


def main() -> None:
    """Exit status 0 when it can. 1 after a sentence that says what failed: name, port, TLS, password, right."""
    try:
        target = parse(wanted.read()["DATABASE_URL"])
    except (wanted.Missing, NotAUrl) as error:
        sys.exit(f"DATABASE_URL: {error}")
    try:
        version = _look(target)
    except (Refused, NoTls, OSError) as error:
        sys.exit(f"DATABASE_URL: {_why(error, target)}")
    if version < _OLDEST:
        sys.exit(f"DATABASE_URL: Postgres {version // 10_000} is too old: 14 is the oldest that will do")
    print(f"Postgres {version // 10_000} at {target.host} port {target.port}, database {target.database}")


def _look(target: Target) -> int:
    """The server's version, of one in which tables can be made."""
    with closing(Session(target)) as session:
        [[version]] = session.query("SHOW server_version_num")
        if int(version) >= _OLDEST:
            session.query(_MAY_CREATE)
        return int(version)


def _why(error: Exception, target: Target) -> str:
    where = f"{target.host} port {target.port}"
    if isinstance(error, Refused):
        sentence = _SQLSTATES.get(error.sqlstate, "{said}")
        return f"{where}: " + sentence.format(user=target.user, database=target.database, said=error)
    if isinstance(error, NoTls):
        return f"{where}: the server has no TLS, which sslmode={target.sslmode} asks for"
    if isinstance(error, ssl.SSLError):
        return f"{where}: TLS failed: {error.reason or error}"
    for kind, sentence in _NOT_REACHED:
        if isinstance(error, kind):
            return sentence.format(host=target.host, port=target.port)
    return f"{where} cannot be reached: {error}"


if __name__ == "__main__":
    main()
