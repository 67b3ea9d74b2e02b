"""Statements that libpq sends: parameters in binary form, rows as structs, and errors of the server."""

import asyncio
import datetime
import uuid
from collections.abc import AsyncIterator

import msgspec
import psycopg
import pytest

from fake_email.postgres import binary, prepared
from fake_email.postgres.connection import Connection, TimedConnection

LARGE = "ä" * 300_000
# A value of each type, and the text that Postgres shows for it.
VALUES: list[tuple[binary.Type, object, str]] = [
    ("boolean", True, "t"),
    ("boolean", False, "f"),
    ("bytea", b"\0\xff'\\", "\\x00ff275c"),
    ("bytea", b"", "\\x"),
    ("bigint", -(2**63), "-9223372036854775808"),
    ("bigint", 2**63 - 1, "9223372036854775807"),
    ("integer", -(2**31), "-2147483648"),
    ("text", "", ""),
    ("text", "Grüße 😀\r\n'\\", "Grüße 😀\r\n'\\"),
    ("text", LARGE, LARGE),
    ("timestamptz", datetime.datetime(1, 1, 1, tzinfo=datetime.UTC), "0001-01-01 00:00:00+00"),
    (
        "timestamptz",
        datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=datetime.UTC),
        "9999-12-31 23:59:59.999999+00",
    ),
    (
        "timestamptz",
        datetime.datetime(2024, 3, 1, 12, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        "2024-03-01 10:30:00+00",
    ),
    ("uuid", uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ("jsonb", ({"a": "ä"}, [1]), '[{"a": "ä"}, [1]]'),
]


class Row(msgspec.Struct, frozen=True):
    """A row of the statements here."""

    one: str | None
    many: list[str | None]


@pytest.fixture
def database_url(common_database_url: str) -> str:
    """Not a new database for each of so many tests: none keeps anything in it."""
    return common_database_url


@pytest.fixture(params=[False, True], ids=["once", "prepared"])
async def timed(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[TimedConnection]:
    """A connection that keeps prepared statements, and one that does not."""
    async with await TimedConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("SET TimeZone = 'UTC'")
        if request.param:
            connection.prepared_names = set()
        yield connection


def statement(name: str, text: str, type_: binary.Type) -> prepared.Statement:
    return prepared.statement(name, text, values={"value": type_}, arrays={"values": type_}, parts={})


async def shown(connection: Connection, type_: binary.Type, value: object, values: list[object]) -> tuple[str, str]:
    """The text that Postgres shows for a value, and for an array as JSON."""
    echo = statement(f"echo_{type_}", "SELECT ({value})::text AS one, array_to_json(({values})::text[]) AS many", type_)
    result = await prepared.execute(connection, echo, {"value": value}, {"values": values})
    one, many = result.get_value(0, 0), result.get_value(0, 1)
    assert many is not None
    return "" if one is None else one.decode(), many.decode()


@pytest.mark.parametrize(("type_", "value", "text"), VALUES, ids=[f"{each[0]}-{str(each[1])[:9]}" for each in VALUES])
async def test_a_value_of_each_type_arrives_alone_and_in_an_array(
    timed: TimedConnection, type_: binary.Type, value: object, text: str
) -> None:
    for _ in range(2):
        one, many = await shown(timed, type_, value, [value, None, value])

        assert one in {text, {"t": "true", "f": "false"}.get(text, text)}
        assert msgspec.json.decode(many) == [one, None, one]


async def test_null_and_an_empty_array_arrive(timed: TimedConnection) -> None:
    echo = statement("is_null", "SELECT {value} IS NULL AND cardinality({values}) = 0", "text")

    result = await prepared.execute(timed, echo, {"value": None}, {"values": []})

    assert result.get_value(0, 0) == b"t"


async def test_rows_become_structs(timed: TimedConnection) -> None:
    class Numbered(msgspec.Struct, frozen=True):
        number: int
        name: str | None

    text = "SELECT number, {value} AS name FROM unnest({values}) WITH ORDINALITY AS each (name, number)"

    result = await prepared.execute(timed, statement("rows", text, "text"), {"value": None}, {"values": ["a", "b"]})

    assert prepared.rows(result, Numbered) == [Numbered(1, None), Numbered(2, None)]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("SELECT {value}, {values}, nothing", psycopg.errors.UndefinedColumn),
        ("SELECT 1 / cardinality({values}), {value}", psycopg.errors.DivisionByZero),
    ],
    ids=["when it is prepared", "when it runs"],
)
async def test_an_error_of_the_server_is_raised_and_the_connection_works_on(
    timed: TimedConnection, text: str, error: type[psycopg.Error]
) -> None:
    failing = statement("failing", text, "text")
    for _ in range(2):
        with pytest.raises(error):
            await prepared.execute(timed, failing, {"value": ""}, {"values": []})

    assert await shown(timed, "text", "a", ["b"]) == ("a", '["b"]')


async def test_a_statement_runs_for_each_values_and_the_results_have_their_order(timed: TimedConnection) -> None:
    echo = prepared.statement("each", "SELECT {value}::text", values={"value": "text"}, arrays={}, parts={})

    for _ in range(2):
        results = await prepared.execute_each(timed, echo, [{"value": each} for each in ("a", None, LARGE, "d")])

        assert [result.get_value(0, 0) for result in results] == [b"a", None, LARGE.encode(), b"d"]
    assert await shown(timed, "text", "a", ["b"]) == ("a", '["b"]')


@pytest.mark.parametrize("failing", range(3))
async def test_when_one_of_the_statements_fails_none_has_run_and_the_connection_works_on(
    timed: TimedConnection, failing: int
) -> None:
    await timed.execute("CREATE TEMPORARY TABLE kept (number bigint)")
    text = "INSERT INTO kept SELECT 1 / {value} RETURNING number"
    divide = prepared.statement("divide", text, values={"value": "bigint"}, arrays={}, parts={})

    with pytest.raises(psycopg.errors.DivisionByZero):
        await prepared.execute_each(timed, divide, [{"value": int(number != failing)} for number in range(3)])

    assert await (await timed.execute("SELECT number FROM kept")).fetchall() == []
    [result] = await prepared.execute_each(timed, divide, [{"value": 1}])
    assert result.ntuples == 1


@pytest.mark.parametrize("ending", range(3))
async def test_a_connection_that_ends_between_the_statements_raises_an_error_of_the_connection(
    timed: TimedConnection, ending: int
) -> None:
    text = "SELECT pg_terminate_backend(pg_backend_pid()) WHERE {value}"
    end = prepared.statement("end", text, values={"value": "boolean"}, arrays={}, parts={})

    async with asyncio.timeout(20):
        with pytest.raises(psycopg.OperationalError):
            await prepared.execute_each(timed, end, [{"value": number == ending} for number in range(3)])

    assert timed.closed


async def test_psycopgs_errors_deallocate_no_statement_that_is_sent_once(database_url: str) -> None:
    async with await TimedConnection.connect(database_url, autocommit=True) as connection:
        await shown(connection, "text", "a", ["b"])
        with pytest.raises(psycopg.errors.DivisionByZero):
            await connection.execute("SELECT 1 / 0", prepare=True)
        await connection.execute("SELECT 1", prepare=True)

        assert await shown(connection, "text", "a", ["b"]) == ("a", '["b"]')


async def test_a_statement_that_was_deallocated_is_prepared_again(database_url: str) -> None:
    async with await TimedConnection.connect(database_url, autocommit=True) as connection:
        connection.prepared_names = set()
        await shown(connection, "text", "a", ["b"])
        await connection.execute("DEALLOCATE ALL")

        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            await shown(connection, "text", "a", ["b"])

        assert await shown(connection, "text", "a", ["b"]) == ("a", '["b"]')


async def test_statements_of_which_the_first_was_deallocated_are_prepared_again(database_url: str) -> None:
    echo = prepared.statement("each", "SELECT {value}::text", values={"value": "text"}, arrays={}, parts={})
    async with await TimedConnection.connect(database_url, autocommit=True) as connection:
        connection.prepared_names = set()
        await prepared.execute_each(connection, echo, [{"value": "a"}])
        await connection.execute("DEALLOCATE ALL")

        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            await prepared.execute_each(connection, echo, [{"value": "a"}, {"value": "b"}])

        results = await prepared.execute_each(connection, echo, [{"value": "a"}, {"value": "b"}])
        assert [result.get_value(0, 0) for result in results] == [b"a", b"b"]
