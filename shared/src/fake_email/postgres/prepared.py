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
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from fake_email.postgres import binary
from fake_email.postgres.connection import Connection, TimedConnection

Row = TypeVar("Row", bound=msgspec.Struct)


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
    known = connection.prepared_names if isinstance(connection, TimedConnection) else None
    return await connection.wait(_execute(connection.pgconn, known, statement, statement.encode(values, arrays)))


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


def _execute(
    pgconn: PGconn, known: set[bytes] | None, statement: Statement, parameters: Sequence[bytes | None]
) -> PQGen[PGresult]:
    formats = [Format.BINARY] * len(parameters)
    if known is None:
        pgconn.send_query_params(statement.text, parameters, param_formats=formats)
    else:
        if statement.name not in known:
            pgconn.send_prepare(statement.name, statement.text)
            yield from _result(pgconn)
            known.add(statement.name)
        pgconn.send_query_prepared(statement.name, parameters, formats)
    try:
        return (yield from _result(pgconn))
    except psycopg.errors.InvalidSqlStatementName:  # deallocated by somebody else; the next call prepares it again
        if known is not None:
            known.discard(statement.name)
        raise


def _result(pgconn: PGconn) -> PQGen[PGresult]:
    result: PGresult
    [result] = yield from generators.execute(pgconn)
    if result.status == ExecStatus.FATAL_ERROR:
        raise psycopg.errors.error_from_result(result)
    return result
