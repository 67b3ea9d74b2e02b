"""`fake-email`: the operator's commands; `migrate` and `operator-token` change the database, `check` only reads it."""

import argparse
import asyncio
import os
import secrets
import sys
from pathlib import Path

import psycopg
from psycopg.rows import scalar_row

from fake_email import command, log, setting_names
from fake_email.errors import MigrationError, SettingsError
from fake_email.postgres import migrate
from fake_email.postgres.connection import conninfo, why_unreachable
from fake_email.settings import VARIABLES, DatabaseSettings, Settings, load
from fake_email.storage import role_mailboxes

_COMMANDS = {
    "migrate": "apply the pending migrations",
    "check": "check settings, database and schema, and change nothing",
    "operator-token": "print a new token for the operator's mailboxes, and revoke the old token",
}
_TOKEN_OCTETS = 32
_DOT_ENV = Path(".env")
# https://www.postgresql.org/docs/current/wal-reliability.html
_DURABILITY_OFF = """
    SELECT name
    FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
    ORDER BY name
"""


def main() -> None:
    """Run one command. Exit status 0: done; 1: the database or a migration failed; 2: a wrong setting or argument."""
    arguments = _arguments()
    try:
        if arguments.command == "migrate":
            _migrate(load(os.environ, DatabaseSettings), arguments.migrations)
        elif arguments.command == "operator-token":
            asyncio.run(_replace_operator_token(load(_with_file(arguments.env_file), Settings)))
        else:
            _check(load(_with_file(arguments.env_file), Settings), arguments)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except MigrationError as error:
        sys.exit(str(error))
    except psycopg.Error as error:
        if error.diag.message_primary:
            sys.exit(f"the database refused: {error.diag.message_primary}")
        sys.exit(f"DATABASE_URL: the database cannot be reached ({why_unreachable(error)})")


def _arguments() -> argparse.Namespace:
    parser = command.argument_parser("fake-email", "Commands for the operator of fake-email.")
    parser.add_argument(
        "command", choices=_COMMANDS, help="; ".join(f"{name}: {does}" for name, does in _COMMANDS.items())
    )
    parser.add_argument(
        "--migrations",
        type=Path,
        default=Path("db/migrations"),
        metavar="DIR",
        help="the directory of the migration files (default: %(default)s)",
    )
    parser.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="check, operator-token: read settings from this file, such as /etc/fake-email/env; check also names the "
        "variables in it that no program reads. operator-token reads .env if there is one, as make run does",
    )
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--offline", action="store_true", help="check: do not connect to the database")
    scope.add_argument("--before-migrate", action="store_true", help="check: allow pending migrations")
    arguments = parser.parse_args()
    if arguments.command != "check" and (arguments.offline or arguments.before_migrate):
        parser.error("--offline and --before-migrate are only for check")
    if arguments.command == "migrate" and arguments.env_file:
        parser.error("--env-file is only for check and operator-token")
    if arguments.command == "operator-token" and not arguments.env_file and _DOT_ENV.is_file():
        arguments.env_file = _DOT_ENV
    return arguments


def _with_file(path: Path | None) -> dict[str, str]:
    """The environment, with the variables of the file that the environment does not set."""
    from_file = setting_names.read_file(path) if path else {}
    return {name: value for name, value in from_file.items() if value} | os.environ


def _migrate(settings: DatabaseSettings, directory: Path) -> None:
    log.configure(settings.log_level)
    migrations = migrate.read(directory)
    with psycopg.connect(conninfo(settings.database_url), autocommit=True) as connection:
        applied = migrate.migrate(connection, migrations)
    print(f"applied {', '.join(applied)}" if applied else "nothing to apply: the schema is up to date")  # noqa: T201


def _check(settings: Settings, arguments: argparse.Namespace) -> None:
    if arguments.env_file:
        unread = setting_names.unread(setting_names.read_file(arguments.env_file), VARIABLES)
        if unread:
            raise SettingsError("\n".join(unread))
    migrations = migrate.read(arguments.migrations)
    if arguments.offline:
        print("settings and migration files are in order; the database was not asked")  # noqa: T201
        return
    with psycopg.connect(conninfo(settings.database_url), autocommit=True) as connection:
        pending = ", ".join(each.name for each in migrate.pending(connection, migrations))
        with connection.cursor(row_factory=scalar_row) as cursor:
            for name in cursor.execute(_DURABILITY_OFF):
                sys.stderr.write(
                    f"warning: {name} is off: acknowledged mail may be lost when the database host stops\n"
                )
    if pending and not arguments.before_migrate:
        sys.exit(f"pending: {pending}; run fake-email migrate")
    in_order = "settings, database and schema are in order"
    print(f"settings and database are in order; pending: {pending}" if pending else in_order)  # noqa: T201


async def _replace_operator_token(settings: Settings) -> None:
    token = secrets.token_urlsafe(_TOKEN_OCTETS)
    async with await psycopg.AsyncConnection.connect(conninfo(settings.database_url)) as connection:
        await role_mailboxes.create(connection, settings.domain)
        await role_mailboxes.set_token(connection, settings.domain, token)
    print(token)  # noqa: T201


if __name__ == "__main__":
    main()
