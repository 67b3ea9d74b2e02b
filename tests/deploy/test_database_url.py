"""setup.sh parses DATABASE_URL and tries each of its hosts, as libpq does."""

from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import psycopg.conninfo
import pytest
from host_setup import database, target
from postgres import EmbeddedPostgres, throw_away


def directory(server: EmbeddedPostgres) -> str:
    """The directory of the server's socket."""
    return str(psycopg.conninfo.conninfo_to_dict(server.url)["host"])


def url(*hosts: str, session_attrs: str = "any") -> str:
    return f"postgresql://postgres@/postgres?host={quote(','.join(hosts))}&target_session_attrs={session_attrs}"


@pytest.fixture(scope="module")
def primary() -> Iterator[str]:
    with throw_away() as server:
        yield directory(server)


@pytest.fixture(scope="module")
def replica() -> Iterator[str]:
    """A server that behaves like a replica here: it refuses writes."""
    with throw_away(settings={"default_transaction_read_only": "on"}) as server:
        yield directory(server)


@pytest.mark.parametrize(
    ("text", "hosts"),
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
def test_each_host_is_read_with_its_port(text: str, hosts: list[tuple[str, int]]) -> None:
    assert [(each.host, each.port) for each in target.parse(text)] == hosts


def test_every_host_has_the_other_parts_of_the_url() -> None:
    [_, second] = target.parse("postgresql://me:p%40ss@a,b/mail?sslmode=require&target_session_attrs=read-write")

    assert (second.user, second.password, second.database) == ("me", "p@ss", "mail")
    assert (second.sslmode, second.target_session_attrs) == ("require", "read-write")


@pytest.mark.parametrize("password", ["p@ss", "p/ss"])
def test_the_error_for_an_unquoted_password_says_how_to_quote_it(password: str) -> None:
    with pytest.raises(target.NotAUrl, match="as %40, %2F, %3A"):
        target.parse(f"postgresql://name:{password}@host/mail")


@pytest.mark.parametrize(
    "text",
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
def test_the_error_for_an_invalid_url_does_not_show_the_password(text: str) -> None:
    with pytest.raises(target.NotAUrl) as raised:
        target.parse(text)

    assert "p@ss" not in str(raised.value)


@pytest.mark.parametrize("first", ["/nowhere", "replica"])
def test_an_unusable_host_is_skipped(primary: str, replica: str, first: str) -> None:
    hosts = (replica if first == "replica" else first, primary)

    described = database.look(target.parse(url(*hosts, session_attrs="read-write")))

    assert f" at {primary} port 5432" in described


def test_a_replica_is_skipped_only_when_the_url_asks_for_read_write(primary: str, replica: str) -> None:
    with pytest.raises(database.Unfit, match=r"is a replica or read-only.*target_session_attrs=read-write"):
        database.look(target.parse(url(replica, primary)))


def test_when_no_host_is_usable_the_error_gives_the_reason_for_each(replica: str) -> None:
    with pytest.raises(database.Unfit) as raised:
        database.look(target.parse(url("/nowhere", replica, session_attrs="read-write")))

    assert "/nowhere port 5432 cannot be reached" in str(raised.value)
    assert f"{replica} port 5432: the database postgres is a replica or read-only" in str(raised.value)
