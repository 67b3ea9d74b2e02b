"""Where DATABASE_URL points, as setting a host up reads it and knocks there: at every host, as libpq does."""

from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import psycopg.conninfo
import pytest
from host_setup import database, target
from postgres import EmbeddedPostgres, throw_away


def directory(server: EmbeddedPostgres) -> str:
    """That of the server's socket."""
    return str(psycopg.conninfo.conninfo_to_dict(server.url)["host"])


def url(*hosts: str, wanted: str = "any") -> str:
    return f"postgresql://postgres@/postgres?host={quote(','.join(hosts))}&target_session_attrs={wanted}"


@pytest.fixture(scope="module")
def primary() -> Iterator[str]:
    with throw_away() as server:
        yield directory(server)


@pytest.fixture(scope="module")
def replica() -> Iterator[str]:
    """As good as one: it takes no writes."""
    with throw_away(settings={"default_transaction_read_only": "on"}) as server:
        yield directory(server)


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ("postgresql://name@host/mail", [("host", 5432)]),
        ("postgres://name:secret@host:5433", [("host", 5433)]),
        ("postgresql://name@a:1,b:2,c/mail", [("a", 1), ("b", 2), ("c", 5432)]),
        ("postgresql://name@a,b/mail?port=5433", [("a", 5433), ("b", 5433)]),
        ("postgresql://name@/mail?host=/a,/b&port=1,2", [("/a", 1), ("/b", 2)]),
        ("postgresql://name@%2Fa,%2Fb:7/mail", [("/a", 5432), ("/b", 7)]),
        ("postgresql://name@[::1]:5433,[2001:db8::1]/mail", [("::1", 5433), ("2001:db8::1", 5432)]),
        ("postgresql://name@", [("/var/run/postgresql", 5432)]),
    ],
)
def test_each_host_is_read_with_its_port(given: str, places: list[tuple[str, int]]) -> None:
    assert [(each.host, each.port) for each in target.parse(given)] == places


def test_what_else_a_url_says_is_read_for_each_host() -> None:
    [_, second] = target.parse("postgresql://me:p%40ss@a,b/mail?sslmode=require&target_session_attrs=read-write")

    assert (second.user, second.password, second.database) == ("me", "p@ss", "mail")
    assert (second.sslmode, second.target_session_attrs) == ("require", "read-write")


@pytest.mark.parametrize("password", ["p@ss", "p/ss"])
def test_a_password_that_has_to_be_written_otherwise_is_told_how(password: str) -> None:
    with pytest.raises(target.NotAUrl, match="as %40, %2F, %3A"):
        target.parse(f"postgresql://name:{password}@host/mail")


@pytest.mark.parametrize(
    "given",
    [
        "mysql://name@host/mail",
        "postgresql://name:p@ss@host/mail",
        "postgresql://name@host:port/mail",
        "postgresql://name@a:b:c/mail",
        "postgresql://name@a,b,c/mail?port=1,2",
        "postgresql://host/mail",
        "postgresql://name@host/mail?sslmode=maybe",
    ],
)
def test_what_is_no_url_is_told_without_its_password(given: str) -> None:
    with pytest.raises(target.NotAUrl) as told:
        target.parse(given)

    assert "p@ss" not in str(told.value)


@pytest.mark.parametrize("first", ["/nowhere", "replica"])
def test_a_host_that_will_not_do_is_passed_over(primary: str, replica: str, first: str) -> None:
    hosts = (replica if first == "replica" else first, primary)

    found = database.look(target.parse(url(*hosts, wanted="read-write")))

    assert f" at {primary} port 5432" in found


def test_a_replica_is_passed_over_only_where_the_url_says_so(primary: str, replica: str) -> None:
    with pytest.raises(database.Unfit, match=r"is a replica or read-only.*target_session_attrs=read-write"):
        database.look(target.parse(url(replica, primary)))


def test_where_no_host_will_do_each_is_told(replica: str) -> None:
    with pytest.raises(database.Unfit) as told:
        database.look(target.parse(url("/nowhere", replica, wanted="read-write")))

    assert "/nowhere port 5432 cannot be reached" in str(told.value)
    assert f"{replica} port 5432: the database postgres is a replica or read-only" in str(told.value)
