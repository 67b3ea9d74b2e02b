"""The operator's tool: `migrate` changes the schema, `check` looks and touches nothing, `operator-token` makes one."""

import argparse
import asyncio
import os
import secrets
import sys
from pathlib import Path

import psycopg

from fake_email import command, log
from fake_email.errors import MigrationError, SettingsError
from fake_email.postgres import migrate
from fake_email.postgres.connection import conninfo, why_unreachable
from fake_email.settings import DatabaseSettings, Settings, load
from fake_email.storage import role_mailboxes

_TOKEN_OCTETS = 32
# https://www.postgresql.org/docs/current/wal-reliability.html
_NOT_DURABLE = """
    SELECT name
    FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
    ORDER BY name
"""
_IN_ORDER = "settings, database and schema are in order"


def main() -> None:
    """Exit status 0: done. 1: the database or a migration said no. 2: the environment or the command line is wrong."""
    arguments = _arguments()
    try:
        if arguments.command == "migrate":
            _migrate(load(os.environ, DatabaseSettings), arguments.migrations)
        elif arguments.command == "operator-token":
            asyncio.run(_give_operator_token(load(os.environ, Settings)))
        else:
            _check(load(os.environ, Settings), arguments)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except MigrationError as error:
        sys.exit(str(error))
    except psycopg.Error as error:
        refusal = error.diag.message_primary
        if refusal:
            sys.exit(f"the database refused: {refusal}")
        sys.exit(f"DATABASE_URL: the database cannot be reached ({why_unreachable(error)})")


def _arguments() -> argparse.Namespace:
    parser = command.argument_parser("fake-email", "The operator's tool of fake-email.")
    parser.add_argument("command", choices=["migrate", "check", "operator-token"])
    parser.add_argument("--migrations", type=Path, default=Path("db/migrations"), metavar="DIR")
    less = parser.add_mutually_exclusive_group()
    less.add_argument("--offline", action="store_true", help="check: do not ask the database")
    less.add_argument("--before-migrate", action="store_true", help="check: migrations may be pending")
    arguments = parser.parse_args()
    if arguments.command != "check" and (arguments.offline or arguments.before_migrate):
        parser.error("--offline and --before-migrate are for check alone")
    return arguments


def _migrate(settings: DatabaseSettings, directory: Path) -> None:
    log.configure(settings.log_level)
    migrations = migrate.read(directory)
    with psycopg.connect(conninfo(settings.database_url), autocommit=True) as connection:
        applied = migrate.migrate(connection, migrations)
    print(f"applied {', '.join(applied)}" if applied else "nothing to apply: the schema is up to date")  # noqa: T201


def _check(settings: Settings, arguments: argparse.Namespace) -> None:
    migrations = migrate.read(arguments.migrations)
    if arguments.offline:
        print("settings and migration files are in order; the database was not asked")  # noqa: T201
        return
    with psycopg.connect(conninfo(settings.database_url), autocommit=True) as connection:
        todo = ", ".join(each.name for each in migrate.pending(connection, migrations))
        for (name,) in connection.execute(_NOT_DURABLE):
            sys.stderr.write(
                f"warning: {name} is off: acknowledged mail may be lost when the database's machine stops\n"
            )
    if todo and not arguments.before_migrate:
        sys.exit(f"pending: {todo}; run fake-email migrate")
    print(f"settings and database are in order; pending: {todo}" if todo else _IN_ORDER)  # noqa: T201


async def _give_operator_token(settings: Settings) -> None:
    token = secrets.token_urlsafe(_TOKEN_OCTETS)
    async with await psycopg.AsyncConnection.connect(conninfo(settings.database_url)) as connection:
        await role_mailboxes.create(connection, settings.domain)
        await role_mailboxes.give_token(connection, settings.domain, token)
    print(token)  # noqa: T201


if __name__ == "__main__":
    main()
