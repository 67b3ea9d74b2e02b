"""Migrations, and the commands `fake-email migrate` and `fake-email check`."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import psycopg.conninfo
import pytest
from support.database import own_postgres
from support.harness import COMMANDS
from support.waiting import deadline

from fake_email.errors import MigrationError
from fake_email.postgres import migrate

ROOT = Path(__file__).parents[3]
FIRST = "0001_one.sql"
SECOND = "0002_two.sql"
THIRD = "0003_three.sql"


@pytest.fixture
def connection(empty_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def another(empty_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Two migrations."""
    (tmp_path / FIRST).write_text("CREATE TABLE one (number integer);")
    (tmp_path / SECOND).write_text("INSERT INTO one VALUES (1); CREATE TABLE two ();")
    return tmp_path


def apply(connection: psycopg.Connection, directory: Path) -> list[str]:
    return migrate.migrate(connection, migrate.read(directory))


def tables(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row[0] for row in rows}


def start(database_url: str, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMANDS / "fake-email", *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url, "DOMAIN": "mx.test"},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(database_url: str, *arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, stdout and stderr."""
    with start(database_url, *arguments) as process:
        stdout, stderr = process.communicate(timeout=20)
    return process.returncode, stdout, stderr


def test_a_fresh_database_gets_every_file_in_order(connection: psycopg.Connection, directory: Path) -> None:
    applied = apply(connection, directory)

    assert applied == [FIRST, SECOND]
    assert {"one", "two"} <= tables(connection)


def test_a_second_run_applies_nothing(connection: psycopg.Connection, directory: Path) -> None:
    apply(connection, directory)

    applied = apply(connection, directory)

    assert applied == []


def test_only_pending_migrations_are_applied(connection: psycopg.Connection, directory: Path) -> None:
    apply(connection, directory)
    (directory / THIRD).write_text("CREATE TABLE three ();")

    applied = apply(connection, directory)

    assert applied == [THIRD]


def test_listing_the_pending_migrations_changes_nothing(connection: psycopg.Connection, directory: Path) -> None:
    pending = migrate.pending(connection, migrate.read(directory))

    assert [each.name for each in pending] == [FIRST, SECOND]
    assert tables(connection) == set()


def test_an_applied_file_that_has_changed_is_refused_by_name(connection: psycopg.Connection, directory: Path) -> None:
    apply(connection, directory)
    (directory / FIRST).write_text("CREATE TABLE one (number bigint);")

    with pytest.raises(MigrationError, match=f"^{FIRST} is not the file that was applied"):
        apply(connection, directory)


def test_nothing_is_applied_after_an_applied_file_has_changed(connection: psycopg.Connection, directory: Path) -> None:
    apply(connection, directory)
    (directory / SECOND).write_text("CREATE TABLE two (number integer);")
    (directory / THIRD).write_text("CREATE TABLE three ();")

    with pytest.raises(MigrationError):
        apply(connection, directory)

    assert "three" not in tables(connection)


def test_a_database_that_is_ahead_of_the_files_is_refused(connection: psycopg.Connection, directory: Path) -> None:
    apply(connection, directory)
    (directory / SECOND).unlink()

    with pytest.raises(MigrationError, match=f"^the database is at {SECOND}, which is not among these files"):
        apply(connection, directory)


BROKEN = "CREATE TABLE half (); INSERT INTO one VALUES (2); SELECT 1 / 0;"


def test_a_file_that_fails_is_rolled_back_completely(connection: psycopg.Connection, directory: Path) -> None:
    (directory / SECOND).write_text(BROKEN)

    with pytest.raises(MigrationError):
        apply(connection, directory)

    assert "half" not in tables(connection)
    assert connection.execute("SELECT count(*) FROM one").fetchall() == [(0,)]


def test_a_file_that_fails_is_named_with_the_reason(connection: psycopg.Connection, directory: Path) -> None:
    (directory / SECOND).write_text(BROKEN)

    with pytest.raises(MigrationError, match=f"^{SECOND} failed and was rolled back: division by zero"):
        apply(connection, directory)


def test_the_files_before_one_that_fails_stay_applied(connection: psycopg.Connection, directory: Path) -> None:
    (directory / SECOND).write_text(BROKEN)
    with pytest.raises(MigrationError):
        apply(connection, directory)
    (directory / SECOND).write_text("CREATE TABLE two ();")

    applied = apply(connection, directory)

    assert applied == [SECOND]


def test_a_file_that_cannot_be_recorded_is_rolled_back(connection: psycopg.Connection, directory: Path) -> None:
    (directory / SECOND).write_text(
        "CREATE TABLE two (); ALTER TABLE schema_migration ADD CONSTRAINT only_one CHECK (version < 2);"
    )

    with pytest.raises(MigrationError, match=f"^{SECOND} failed and was rolled back: .*only_one"):
        apply(connection, directory)

    assert "two" not in tables(connection)


def test_a_migrator_that_fails_releases_the_lock(
    connection: psycopg.Connection, another: psycopg.Connection, directory: Path
) -> None:
    (directory / SECOND).write_text(BROKEN)
    with pytest.raises(MigrationError):
        apply(connection, directory)
    (directory / SECOND).write_text("CREATE TABLE two ();")
    another.execute("SET statement_timeout = '5s'")

    applied = apply(another, directory)

    assert applied == [SECOND]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([FIRST, THIRD], "are not 1, 2, 3 and so on: one is missing or used twice"),
        ([SECOND, THIRD], "are not 1, 2, 3 and so on: one is missing or used twice"),
        ([FIRST, "0001_another.sql"], "are not 1, 2, 3 and so on: one is missing or used twice"),
        ([FIRST, "notes.sql"], "notes.sql: the name of a migration has the form"),
        ([FIRST, "2_two.sql"], "2_two.sql: the name of a migration has the form"),
        ([FIRST, "0002_Two.sql"], "0002_Two.sql: the name of a migration has the form"),
        ([FIRST, "0002.sql"], "0002.sql: the name of a migration has the form"),
        ([], "no migration in "),
        (["README.md"], "no migration in "),
    ],
    ids=["a gap", "no first", "twice", "stray", "short number", "upper case", "no name", "empty", "no SQL"],
)
def test_a_stray_file_or_a_gap_in_the_numbers_is_refused(tmp_path: Path, names: list[str], text: str) -> None:
    for name in names:
        (tmp_path / name).touch()

    with pytest.raises(MigrationError, match=re.escape(text)):
        migrate.read(tmp_path)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match=r"^no migration in .*/nowhere:"):
        migrate.read(tmp_path / "nowhere")


def test_a_migration_fails_when_it_waits_too_long_for_a_lock(
    connection: psycopg.Connection, another: psycopg.Connection, directory: Path
) -> None:
    apply(connection, directory)
    (directory / THIRD).write_text("CREATE TABLE three (); ALTER TABLE one ADD COLUMN text text;")
    with another.transaction():
        another.execute("LOCK TABLE one IN ACCESS SHARE MODE")

        with pytest.raises(MigrationError, match=f"^{THIRD} failed and was rolled back: .*due to lock timeout"):
            apply(connection, directory)

    assert "three" not in tables(connection)


def test_concurrent_migrators_apply_each_file_once(
    connection: psycopg.Connection, empty_database_url: str, directory: Path
) -> None:
    connection.execute("CREATE TABLE gate AS SELECT 1")
    (directory / FIRST).write_text("""
        DO $$ BEGIN WHILE EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$;
        CREATE TABLE one (number integer);
    """)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"

    migrators = [start(empty_database_url, "migrate", "--migrations", directory) for _ in range(2)]
    for _ in deadline():
        if connection.execute(waiting).fetchone() == (1,):
            break
    connection.execute("DELETE FROM gate")
    printed = sorted(migrator.communicate(timeout=20)[0] for migrator in migrators)

    assert [migrator.returncode for migrator in migrators] == [0, 0]
    assert printed == [f"applied {FIRST}, {SECOND}\n", "nothing to apply: the schema is up to date\n"]
    assert connection.execute("SELECT number FROM one").fetchall() == [(1,)]


def test_the_file_that_a_killed_migrator_was_applying_is_rolled_back(
    connection: psycopg.Connection, empty_database_url: str, directory: Path
) -> None:
    (directory / SECOND).write_text("CREATE TABLE two (); SELECT pg_sleep(600);")
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    with start(empty_database_url, "migrate", "--migrations", directory) as migrator:
        for _ in deadline():
            if connection.execute(sleeping).fetchone() == (1,):
                break
        migrator.kill()
    (directory / SECOND).write_text("CREATE TABLE two ();")

    result = run(empty_database_url, "migrate", "--migrations", directory)

    assert result[:2] == (0, f"applied {SECOND}\n")


def test_migrate_prints_the_names_of_the_files_it_applied(empty_database_url: str) -> None:
    status, stdout, _ = run(empty_database_url, "migrate")

    released = sorted(path.name for path in (ROOT / "db/migrations").iterdir())
    assert (status, stdout) == (0, f"applied {', '.join(released)}\n")


def test_migrate_reports_that_there_is_nothing_to_apply(database_url: str) -> None:
    result = run(database_url, "migrate")

    assert result == (0, "nothing to apply: the schema is up to date\n", "")


def test_a_migrate_that_fails_exits_with_status_1_and_the_reason(empty_database_url: str, directory: Path) -> None:
    (directory / FIRST).write_text("SELECT 1 / 0")

    result = run(empty_database_url, "migrate", "--migrations", directory)

    assert result == (1, "", f"{FIRST} failed and was rolled back: division by zero\n")


def test_check_reports_that_everything_is_in_order() -> None:
    with own_postgres(durable=True) as server:
        result = run(server.url, "check")

    assert result == (0, "settings, database and schema are in order\n", "")


def test_check_warns_when_the_database_may_lose_commits_in_a_crash() -> None:
    with own_postgres() as server:
        result = run(server.url, "check")

    status, _, stderr = result
    assert status == 0
    assert re.findall("warning: (.+) is off", stderr) == ["fsync", "full_page_writes"]


def test_check_exits_with_status_1_while_a_migration_is_pending(empty_database_url: str, directory: Path) -> None:
    status, _, stderr = run(empty_database_url, "check", "--migrations", directory)

    assert status == 1
    assert stderr.endswith(f"pending: {FIRST}, {SECOND}; run fake-email migrate\n")


def test_check_before_migrate_lists_the_pending_migrations_and_exits_with_status_0(
    empty_database_url: str, directory: Path
) -> None:
    status, stdout, _ = run(empty_database_url, "check", "--before-migrate", "--migrations", directory)

    assert (status, stdout) == (0, f"settings and database are in order; pending: {FIRST}, {SECOND}\n")


def test_check_offline_does_not_connect_to_the_database(directory: Path) -> None:
    result = run("postgresql://127.0.0.1:1/fake-email", "check", "--offline", "--migrations", directory)

    assert result == (0, "settings and migration files are in order; the database was not asked\n", "")


def test_check_offline_exits_with_status_2_when_a_setting_is_wrong() -> None:
    result = run("", "check", "--offline")

    assert result == (2, "", "DATABASE_URL: missing; it has no default\n")


def test_check_offline_exits_with_status_1_when_a_migration_file_is_missing(directory: Path) -> None:
    (directory / FIRST).unlink()

    result = run("postgresql://127.0.0.1:1/fake-email", "check", "--offline", "--migrations", directory)

    assert result == (
        1,
        "",
        f"the numbers in {directory} are not 1, 2, 3 and so on: one is missing or used twice\n",
    )


@pytest.mark.parametrize("option", ["--offline", "--before-migrate"])
def test_an_option_of_check_is_refused_for_other_commands(option: str) -> None:
    status, stdout, stderr = run("postgresql://127.0.0.1:1/fake-email", "migrate", option)

    assert (status, stdout) == (2, "")
    assert stderr.endswith(f"unrecognized arguments: {option}\n")


@pytest.mark.parametrize(
    ("command", "url", "reason"),
    [
        ("migrate", "postgresql://fake-email:sesame@127.0.0.1:1/fake-email", "Connection refused"),
        ("check", "postgresql://fake-email:open@sesame@127.0.0.1/fake-email", ".+"),
    ],
    ids=["refused", "no such host"],
)
def test_an_unreachable_database_is_reported_in_one_line_without_the_password(
    command: str, url: str, reason: str
) -> None:
    status, stdout, stderr = run(url, command)

    assert (status, stdout) == (1, "")
    assert re.fullmatch(rf"DATABASE_URL: the database cannot be reached \({reason}\)\n", stderr)
    assert "sesame" not in stderr


def test_an_error_of_the_database_is_reported_in_one_line(empty_database_url: str) -> None:
    standby = psycopg.conninfo.make_conninfo(empty_database_url, options="-c default_transaction_read_only=on")

    result = run(standby, "migrate")

    assert result == (1, "", "the database refused: cannot execute CREATE TABLE in a read-only transaction\n")


def test_a_wrong_command_line_exits_with_status_2_and_the_usage() -> None:
    status, stdout, stderr = run("postgresql://127.0.0.1:1/fake-email", "upgrade")

    assert (status, stdout) == (2, "")
    assert stderr.startswith("usage: fake-email ")


def test_migrate_without_a_database_url_exits_with_status_2_and_one_line() -> None:
    result = run("", "migrate")

    assert result == (2, "", "DATABASE_URL: missing; it has no default\n")
