"""Statements sent by libpq's own calls: no cursor and no conversion stand between a caller and the answer.

A connection of a lane keeps them prepared. On any other connection psycopg may deallocate all prepared statements.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import msgspec
import psycopg
from psycopg import generators, sql
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from fake_email.postgres import binary
from fake_email.postgres.connection import Connection, TimedConnection

Row = TypeVar("Row", bound=msgspec.Struct)
Result = TypeVar("Result")


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement with numbered parameters, which have names too, and the name under which connections prepare it.

    `values` are the parameters with one value, and its encoder; `arrays` those with an array, and its elements' type.
    """

    name: bytes
    text: bytes
    values: tuple[tuple[str, Callable[[object], bytes]], ...]
    arrays: tuple[tuple[str, binary.Type], ...]

    def encode(self, values: Mapping[str, object], arrays: Mapping[str, Sequence[object]]) -> list[bytes | None]:
        """The parameters in binary form, in their order; None stands for null."""
        parameters = [None if (value := values[name]) is None else encode(value) for name, encode in self.values]
        parameters += [binary.encode_array(type_, arrays[name]) for name, type_ in self.arrays]
        return parameters


def statement(
    name: str,
    text: str,
    *,
    values: Mapping[str, binary.Type],
    arrays: Mapping[str, binary.Type],
    parts: Mapping[str, sql.Composable],
) -> Statement:
    """`text` with a numbered parameter for each `{name}` of `values` and `arrays`, and with `parts` filled in."""
    types = [*values.items(), *((each, f"{type_}[]") for each, type_ in arrays.items())]
    numbered = {each: sql.SQL(f"${number}::{type_}") for number, (each, type_) in enumerate(types, 1)}
    filled = sql.SQL(text).format(**numbered, **parts)
    return Statement(
        name=name.encode(),
        text=filled.as_string().encode(),
        values=tuple((each, binary.encoder(type_)) for each, type_ in values.items()),
        arrays=tuple(arrays.items()),
    )


async def execute(
    connection: Connection,
    statement: Statement,
    values: Mapping[str, object],
    arrays: Mapping[str, Sequence[object]] = MappingProxyType({}),
) -> PGresult:
    """Run a statement on a connection that the caller has to itself; raises psycopg.Error."""
    known = _known(connection)
    parameters = statement.encode(values, arrays)
    return await _wait(connection, known, statement, _execute(connection.pgconn, known, statement, parameters))


async def execute_each(
    connection: Connection, statement: Statement, each_values: Sequence[Mapping[str, object]]
) -> list[PGresult]:
    """Run a statement without arrays once for each values, in one transaction and one round trip.

    Raises psycopg.Error; then none of the statements has changed anything, unless the connection was lost.
    """
    known = _known(connection)
    each = [statement.encode(values, {}) for values in each_values]
    return await _wait(connection, known, statement, _execute_each(connection.pgconn, known, statement, each))


def rows(result: PGresult, struct: type[Row]) -> list[Row]:
    """The rows as structs whose fields are columns."""
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    return [
        msgspec.convert(
            {
                name: None if (value := result.get_value(row, column)) is None else value.decode()
                for column, name in enumerate(names)
            },
            struct,
            strict=False,
        )
        for row in range(result.ntuples)
    ]


def _known(connection: Connection) -> set[bytes] | None:
    """The names of the statements that the connection keeps prepared; None when it keeps none."""
    return connection.prepared_names if isinstance(connection, TimedConnection) else None


async def _wait(
    connection: Connection, known: set[bytes] | None, statement: Statement, generator: PQGen[Result]
) -> Result:
    try:
        return await connection.wait(generator)
    except psycopg.errors.InvalidSqlStatementName:  # deallocated by somebody else; the next call prepares it again
        if known is not None:
            known.discard(statement.name)
        raise


def _execute(
    pgconn: PGconn, known: set[bytes] | None, statement: Statement, parameters: Sequence[bytes | None]
) -> PQGen[PGresult]:
    yield from _prepare(pgconn, known, statement)
    _send(pgconn, known, statement, parameters)
    return (yield from _result(pgconn))


def _execute_each(
    pgconn: PGconn, known: set[bytes] | None, statement: Statement, each: Sequence[Sequence[bytes | None]]
) -> PQGen[list[PGresult]]:
    yield from _prepare(pgconn, known, statement)
    pgconn.enter_pipeline_mode()
    for parameters in each:
        _send(pgconn, known, statement, parameters)
    pgconn.pipeline_sync()
    yield from generators.send(pgconn)
    results: list[PGresult] = []
    # libpq returns a null pointer after the results of each statement, and for ever once the connection is lost.
    while not results or results[-1].status != ExecStatus.PIPELINE_SYNC:
        result: PGresult | None = yield from generators.fetch(pgconn)
        if result is not None:
            results.append(result)
        elif pgconn.status == ConnStatus.BAD:
            break
    else:
        pgconn.exit_pipeline_mode()
    for result in results:
        _raise_error(result)
    if pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError("the connection is lost")
    return results[:-1]


def _prepare(pgconn: PGconn, known: set[bytes] | None, statement: Statement) -> PQGen[None]:
    if known is not None and statement.name not in known:
        pgconn.send_prepare(statement.name, statement.text)
        yield from _result(pgconn)
        known.add(statement.name)


def _send(pgconn: PGconn, known: set[bytes] | None, statement: Statement, parameters: Sequence[bytes | None]) -> None:
    formats = [Format.BINARY] * len(parameters)
    if known is None:
        pgconn.send_query_params(statement.text, parameters, param_formats=formats)
    else:
        pgconn.send_query_prepared(statement.name, parameters, formats)


def _result(pgconn: PGconn) -> PQGen[PGresult]:
    result: PGresult
    [result] = yield from generators.execute(pgconn)
    _raise_error(result)
    return result


def _raise_error(result: PGresult) -> None:
    if result.status == ExecStatus.FATAL_ERROR:
        raise psycopg.errors.error_from_result(result)
