"""The schema of the database beside the migration files of this release."""

from pathlib import Path

import psycopg

from fake_email.doctor.finding import Finding, Problem, passed
from fake_email.doctor.in_thread import in_thread
from fake_email.errors import MigrationError, NewerSchema
from fake_email.postgres import migrate

PENDING = Problem(
    id="migrations_pending",
    severity="error",
    why="This release does not run on an older schema.",
    mend="`fake-email migrate` in the directory of the release; make deploy does it by itself",
)
NEWER = Problem(
    id="schema_newer",
    severity="note",
    why="After a rollback this is right: a release runs on the schema of the next one.",
    mend="deploy the newer release again when its fault is mended",
)
DIFFERS = Problem(
    id="schema_differs",
    severity="error",
    why="A migration was changed after it was applied, so nobody knows what the schema is.",
    mend="restore the file, and put the change into a new one",
)
NO_FILES = Problem(
    id="migrations_not_here",
    severity="note",
    why="Without the files of the release, the schema cannot be compared.",
    mend="run this in the directory that holds db/migrations, or add `--migrations DIR`",
)


async def check(conninfo: str, directory: Path) -> list[Finding]:
    """Compare what is applied with the files of the directory; raises psycopg.Error."""
    try:
        return [await in_thread(lambda: _compare(conninfo, directory))]
    except NewerSchema as error:
        return [NEWER.found("schema", str(error))]
    except MigrationError as error:
        return [DIFFERS.found("schema", str(error))]


def _compare(conninfo: str, directory: Path) -> Finding:
    if not directory.is_dir():
        return NO_FILES.found("schema", f"there is no {directory}")
    migrations = migrate.read(directory)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        pending = migrate.pending(connection, migrations)
    if pending:
        return PENDING.found("schema", f"pending: {' '.join(each.name for each in pending)}")
    return passed("schema", f"at {migrations[-1].name}")
