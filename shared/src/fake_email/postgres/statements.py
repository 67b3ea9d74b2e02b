"""SQL statements that are put together once, from the fields of the structs that their rows become."""

import msgspec
from psycopg import sql


def statement(text: str, **parts: sql.Composable) -> str:
    """`text` with each `{part}` filled in; it is the same string at every call, so Postgres plans it once."""
    return sql.SQL(text).format(**parts).as_string()


def columns(table: str, struct: type[msgspec.Struct], **computed: str) -> sql.Composed:
    """The columns of `table` named as the fields of `struct`; `computed` gives a field the expression that it is."""
    return sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(sql.SQL(computed[name]), sql.Identifier(name))
        if name in computed
        else sql.Identifier(table, name)
        for name in struct.__struct_fields__
    )
