"""SQL statements whose column lists come from the fields of the structs that their rows become."""

import msgspec
from psycopg import sql


def statement(text: str, **parts: sql.Composable) -> str:
    """`text` with each `{part}` filled in; made once at import, so that the string is the same at every execution."""
    return sql.SQL(text).format(**parts).as_string()


def columns(table: str, struct: type[msgspec.Struct], **computed: str) -> sql.Composed:
    """The columns of `table` named as the fields of `struct`; `computed` has an SQL expression for some of them."""
    return sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(sql.SQL(computed[name]), sql.Identifier(name))
        if name in computed
        else sql.Identifier(table, name)
        for name in struct.__struct_fields__
    )
