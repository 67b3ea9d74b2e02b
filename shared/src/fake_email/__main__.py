"""`fake-email`: the operator's commands, over the database alone; the services need not run."""

import argparse
import asyncio
import gc
import importlib
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

# Imported modules stay in memory, and looking for garbage among them would take a tenth of the start.
gc.disable()

import psycopg
from psycopg.rows import scalar_row

from fake_email import command, log, setting_names
from fake_email.doctor import arguments as doctor_arguments
from fake_email.errors import MigrationError, SettingsError
from fake_email.operator_tools import commands
from fake_email.postgres import migrate
from fake_email.postgres.connection import conninfo, why_unreachable
from fake_email.settings import VARIABLES, DatabaseSettings, Settings, load
from fake_email.storage import role_mailboxes, server_state

_Run: TypeAlias = Callable[[argparse.Namespace, Mapping[str, str]], int]

_TOKEN_OCTETS = 32
_DOT_ENV = Path(".env")
_ENV_FILE = "/etc/fake-email/env"
_DOT_ENV_HELP = " (default: .env, if there is one, as make run does)"
_ENV_FILE_HELP = {
    "check": "; name the variables in it that no program reads",
    "doctor": " (default: that file or .env, unless the environment has the settings)",
}


def main() -> None:
    """Run one command. Exit status 0: done; 1: the database or a migration failed; 2: a wrong setting or argument.

    The status of `doctor` is that of the worst finding.
    """
    gc.freeze()
    gc.enable()
    arguments = _arguments()
    try:
        if arguments.command == "migrate":
            _migrate(load(os.environ, DatabaseSettings), arguments.migrations)
        elif arguments.command == "operator-token":
            asyncio.run(_replace_operator_token(load(_with_file(arguments.env_file), Settings)))
        elif arguments.command == "check":
            _check(load(_with_file(arguments.env_file), Settings), arguments)
        elif arguments.command == "doctor":
            # Loading it and its resolver of DNS takes a sixth of the time that the other commands take.
            run: _Run = importlib.import_module("fake_email.doctor.command").run
            sys.exit(run(arguments, os.environ))
        else:
            settings = load(_with_file(arguments.env_file), DatabaseSettings)
            log.configure(settings.log_level)
            asyncio.run(commands.run(settings, arguments))
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
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    migrate_parser = subparsers.add_parser("migrate", help="apply the pending migrations")
    check = subparsers.add_parser("check", help="check settings, database and schema, and change nothing")
    subparsers.add_parser("operator-token", help="print a new token for the operator's mailboxes, and revoke the old")
    commands.add_to(subparsers.add_parser)
    doctor_parser = subparsers.add_parser("doctor", help=doctor_arguments.HELP)
    doctor_arguments.add_to(doctor_parser)
    for each in (migrate_parser, check, doctor_parser):
        each.add_argument(
            "--migrations",
            type=Path,
            default=Path("db/migrations"),
            metavar="DIR",
            help="the directory of the migration files (default: %(default)s)",
        )
    scope = check.add_mutually_exclusive_group()
    scope.add_argument("--offline", action="store_true", help="do not connect to the database")
    scope.add_argument("--before-migrate", action="store_true", help="allow pending migrations")
    for name, each in subparsers.choices.items():
        if name != "migrate":
            more = _ENV_FILE_HELP.get(name, _DOT_ENV_HELP)
            each.add_argument(
                "--env-file", type=Path, metavar="FILE", help=f"read settings from it, as from {_ENV_FILE}{more}"
            )
    arguments = parser.parse_args()
    if arguments.command not in {"migrate", "check", "doctor"} and not arguments.env_file and _DOT_ENV.is_file():
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
            for name in cursor.execute(server_state.NOT_DURABLE):
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
