"""Whether the database can be worked with: reached, logged in to, new enough, and ours to make tables in."""

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
    "28P01": "the password is wrong for the user {user}, or there is no such user",
    "28000": "the user {user} may not log in from here: {said}",
    "3D000": "there is no database {database}",
    "42501": "the user {user} may not make tables in the database {database}: {said}",
    "3F000": "there is no schema for tables in the database {database}: {said}",
    _READ_ONLY: "the database {database} is a replica or read-only, and mail cannot be stored there",
    "53300": "the server has too many connections already",
    "57P03": "the server is starting or ending; try again",
}
# libpq asks the next host when one is away; one that is a replica only where the URL says what is wanted.
_NEXT = {"primary", "read-write"}
_NOT_REACHED = (
    (socket.gaierror, "the name {host} is not known: is it spelt right, and does DNS work here?"),
    (ConnectionRefusedError, "{host} is there, and nothing listens on port {port}"),
    (TimeoutError, "{host} port {port} does not answer: a firewall or a security group in between?"),
)


class Unfit(Exception):
    """No host of the URL will do."""


def main() -> None:
    """Exit status 0 when it can. 1 after a sentence that says what failed: name, port, TLS, password, right."""
    try:
        print(look(parse(requested_settings.read()["DATABASE_URL"])))
    except (requested_settings.Missing, NotAUrl, Unfit) as error:
        sys.exit(f"DATABASE_URL: {error}")


def look(targets: list[Target]) -> str:
    """What there is at the first target that will do; raises Unfit, which says what is wrong with each."""
    wrong = []
    for target in targets:
        try:
            version = _version(target)
        except (Refused, NoTls, OSError) as error:
            wrong.append(_why(error, target))
            if isinstance(error, Refused) and error.sqlstate == _READ_ONLY and target.target_session_attrs not in _NEXT:
                wrong[-1] += "; with target_session_attrs=read-write the next host would be asked" * (len(targets) > 1)
                break
            continue
        if version < _OLDEST:
            raise Unfit(f"Postgres {version // 10_000} is too old: 14 is the oldest that will do")
        return f"Postgres {version // 10_000} at {target.host} port {target.port}, database {target.database}"
    raise Unfit("; ".join(wrong))


def _version(target: Target) -> int:
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
