"""The database as the doctor sees it: a real one with one fault at a time; what no test server can have, as values."""

import datetime
import shutil
import uuid
from pathlib import Path

import msgspec
import psycopg
import psycopg.conninfo
import pytest
from support.database import MIGRATIONS

from fake_email.doctor import database, target
from fake_email.doctor.finding import Finding
from fake_email.settings import Settings
from fake_email.storage.server_state import Replica, ServerState

NOW = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)
STATE = ServerState(
    version_number=180_000,
    version="18.0",
    is_read_only=False,
    role="mail",
    may_create=True,
    denied_tables=[],
    not_durable=[],
    now=NOW,
)
# A test's server need not survive the crash of its machine.
NOT_DURABLE = {"database_not_durable"}


async def examined(url: str, migrations: Path = MIGRATIONS) -> list[Finding]:
    settings = Settings(database_url=url, domain=("mx.test",))
    here = target.of_settings(settings, env_file=None, is_host=False)
    return await database.check(msgspec.structs.replace(here, migrations=migrations))


def problems(findings: list[Finding]) -> set[str]:
    return {finding.id for finding in findings if finding.severity != "ok"}


async def test_a_migrated_database_is_well(database_url: str) -> None:
    findings = await examined(database_url)

    assert problems(findings) <= NOT_DURABLE
    assert f"at {max(MIGRATIONS.glob('*.sql')).name}" in [finding.what for finding in findings]


async def test_a_database_that_cannot_be_reached_is_away_and_its_password_is_not_shown() -> None:
    [finding] = await examined("postgresql://mail:open-sesame@127.0.0.1:1/mail")

    assert (finding.id, finding.what) == ("database_away", "Connection refused")


async def test_pending_migrations_are_named(empty_database_url: str) -> None:
    findings = await examined(empty_database_url)

    assert problems(findings) - NOT_DURABLE == {"migrations_pending"}


async def test_the_schema_of_a_newer_release_is_a_note_and_a_changed_file_an_error(
    database_url: str, tmp_path: Path
) -> None:
    older, changed = tmp_path / "older", tmp_path / "changed"
    for directory in (older, changed):
        shutil.copytree(MIGRATIONS, directory)
    max(older.glob("*.sql")).unlink()
    max(changed.glob("*.sql")).write_text("SELECT 1;\n")

    assert problems(await examined(database_url, older)) - NOT_DURABLE == {"schema_newer"}
    assert problems(await examined(database_url, changed)) - NOT_DURABLE == {"schema_differs"}
    assert problems(await examined(database_url, tmp_path / "none")) - NOT_DURABLE == {"migrations_not_here"}


async def test_a_role_that_may_neither_create_tables_nor_read_them_lacks_rights(database_url: str) -> None:
    role = f"stranger_{uuid.uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        try:
            findings = await examined(psycopg.conninfo.make_conninfo(database_url, options=f"-c role={role}"))
        finally:
            connection.execute(f"DROP ROLE {role}")

    assert "database_rights" in problems(findings)


async def test_a_read_only_database_and_a_slot_without_a_replica_are_found(database_url: str) -> None:
    slot = f"slot_{uuid.uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", [slot])
        try:
            findings = await examined(database_url)
        finally:
            connection.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    read_only = await examined(
        psycopg.conninfo.make_conninfo(database_url, options="-c default_transaction_read_only=on")
    )

    assert "slot_unused" in problems(findings)
    assert "database_read_only" in problems(read_only)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (STATE, []),
        (msgspec.structs.replace(STATE, version_number=130_012), ["database_too_old"]),
        (msgspec.structs.replace(STATE, not_durable=["fsync"]), ["database_not_durable"]),
    ],
)
def test_the_state_of_the_server_is_judged(state: ServerState, expected: list[str]) -> None:
    assert problems(database.of_state(state)) == set(expected)


@pytest.mark.parametrize(("seconds", "expected"), [(0.5, "passed"), (-30, "clocks_differ"), (30, "clocks_differ")])
def test_clocks_that_are_far_apart_are_found(seconds: float, expected: str) -> None:
    theirs = NOW + datetime.timedelta(seconds=seconds)

    [finding] = database.of_clocks(NOW, theirs, NOW + datetime.timedelta(seconds=0.1))

    assert finding.id == expected


def test_a_replica_that_lacks_much_is_behind() -> None:
    near, far = Replica(name="near", behind_octets=5_000), Replica(name="far", behind_octets=200_000_000)

    findings = database.of_replicas([near, far], [])

    assert [finding.id for finding in findings] == ["passed", "replica_behind"]
