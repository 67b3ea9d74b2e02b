"""The operator's tool: `fake-email migrate` changes the schema, `fake-email check` looks and touches nothing."""

import argparse
import os
import sys
from pathlib import Path

import psycopg

from fake_email import log, migrate
from fake_email.database import conninfo, why_unreachable
from fake_email.errors import MigrationError, SettingsError
from fake_email.settings import DatabaseSettings, Settings, load


def main() -> None:
    """Exit status 0: done. 1: the database or a migration said no. 2: the environment or the command line is wrong."""
    parser = argparse.ArgumentParser(prog="fake-email", description="The operator's tool of fake-email.")
    parser.add_argument("command", choices=["migrate", "check"])
    parser.add_argument("--migrations", type=Path, default=Path("db/migrations"), metavar="DIR")
    arguments = parser.parse_args()
    try:
        if arguments.command == "migrate":
            _migrate(load(os.environ, DatabaseSettings), arguments.migrations)
        else:
            _check(load(os.environ, Settings), arguments.migrations)
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


def _migrate(settings: DatabaseSettings, directory: Path) -> None:
    log.configure(settings.log_level)
    migrations = migrate.read(directory)
    with psycopg.connect(conninfo(settings.database_url), autocommit=True) as connection:
        applied = migrate.migrate(connection, migrations)
    print(f"applied {', '.join(applied)}" if applied else "nothing to apply: the schema is up to date")  # noqa: T201


def _check(settings: Settings, directory: Path) -> None:
    with psycopg.connect(conninfo(settings.database_url), autocommit=True) as connection:
        todo = migrate.pending(connection, migrate.read(directory))
    if todo:
        sys.exit(f"pending: {', '.join(each.name for each in todo)}; run fake-email migrate")
    print("settings, database and schema are in order")  # noqa: T201


if __name__ == "__main__":
    main()
