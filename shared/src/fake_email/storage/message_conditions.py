"""Conditions on the columns of a message, as SQL; the API's search has the same conditions on values. Pure."""

import datetime
from collections.abc import Sequence
from typing import Literal

import msgspec
from psycopg import sql
from psycopg.types.json import Jsonb

Has = Literal["code", "link", "attachment"]


class HasAny(msgspec.Struct, frozen=True, kw_only=True):
    """The message has at least one of these."""

    what: Has


class IsSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The message is marked as seen."""


class HasCode(msgspec.Struct, frozen=True, kw_only=True):
    """One of the message's codes is this one."""

    value: str


class ReceivedBefore(msgspec.Struct, frozen=True, kw_only=True):
    """The message was committed before this time."""

    moment: datetime.datetime


class LargerThan(msgspec.Struct, frozen=True, kw_only=True):
    """The message has more octets, as received, than this."""

    octets: int


Column = HasAny | IsSeen | HasCode | ReceivedBefore | LargerThan


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A message must meet `column`, or with `is_negated` must not."""

    column: Column
    is_negated: bool = False


def where(conditions: Sequence[Condition]) -> tuple[sql.Composed, dict[str, object]]:
    """The condition that all of `conditions` are met, for a statement that reads `message`, and its parameters."""
    parameters: dict[str, object] = {}
    parts: list[sql.Composable] = [sql.SQL("true")]
    for number, condition in enumerate(conditions):
        name = f"condition_{number}"
        text, value = _test(condition.column, name)
        if value is not None:
            parameters[name] = value
        parts.append(sql.SQL("NOT ({})" if condition.is_negated else "{}").format(text))
    return sql.SQL(" AND ").join(parts), parameters


_COLUMN_OF: dict[Has, str] = {"code": "codes", "link": "links", "attachment": "attachments"}


def _test(column: Column, name: str) -> tuple[sql.Composed, object]:
    """The test, and the value of its parameter `name`, None when it has none."""
    value: object = None
    match column:
        case HasAny(what=what):
            return sql.SQL("{} <> '[]'").format(sql.Identifier("message", _COLUMN_OF[what])), None
        case IsSeen():
            return sql.SQL("message.seen").format(), None
        case HasCode():
            test, value = "message.codes @> {}", Jsonb([{"value": column.value}])
        case ReceivedBefore():
            test, value = "message.received_at < {}", column.moment
        case LargerThan():
            test, value = "octet_length(message.content) > {}", column.octets
    return sql.SQL(test).format(sql.Placeholder(name)), value
