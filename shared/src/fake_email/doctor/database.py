"""The database: it answers, is new enough, lets us work, keeps what it commits, and has our schema."""

import datetime

import psycopg

from fake_email.doctor import schema
from fake_email.doctor.finding import Finding, Problem, passed
from fake_email.doctor.target import Target
from fake_email.postgres.connection import conninfo, why_unreachable
from fake_email.storage import server_state
from fake_email.storage.server_state import Replica, ServerState

AWAY = Problem(
    id="database_away",
    severity="error",
    why="Senders get 451 and try again later; calls of the API get 503. The services connect again by themselves.",
    mend="mend Postgres, the way to it, or DATABASE_URL in /etc/fake-email/env",
)
TOO_OLD = Problem(
    id="database_too_old",
    severity="error",
    why="fake-email needs Postgres 14 or newer.",
    mend="move the database to a newer Postgres, for example with pg_dump and pg_restore",
)
READ_ONLY = Problem(
    id="database_read_only",
    severity="error",
    why="A replica takes no mail.",
    mend="add target_session_attrs=read-write to DATABASE_URL, and name all hosts in it",
)
RIGHTS = Problem(
    id="database_rights",
    severity="error",
    why="Migrations create tables, and the services read and write all of them.",
    mend="as the owner of the database `GRANT CREATE ON SCHEMA {schema} TO {role}`, and let {role} own the tables",
)
NOT_DURABLE = Problem(
    id="database_not_durable",
    severity="warning",
    why="Mail that a sender was told is accepted may be lost when the host of the database stops.",
    mend="`ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();`",
)
CLOCK = Problem(
    id="clocks_differ",
    severity="warning",
    why="The database decides when mail is received and expires; this host decides when a certificate is valid.",
    mend="on both hosts `timedatectl set-ntp true`",
)
BEHIND = Problem(
    id="replica_behind",
    severity="warning",
    why="After a fail-over to this replica, the mail that it lacks is lost.",
    mend="look at the load and the network of the replica `SELECT * FROM pg_stat_replication`",
)
UNUSED_SLOT = Problem(
    id="slot_unused",
    severity="warning",
    why="The server keeps its write-ahead log for this replica until the disk is full.",
    mend="start the replica again, or `SELECT pg_drop_replication_slot('{name}')`",
)
_OLDEST = 140_000
_SECONDS_APART = 2.0
_OCTETS_BEHIND = 67_108_864
_MEGABYTE = 1_000_000


async def check(target: Target) -> list[Finding]:
    """Check server and schema; nothing from another machine."""
    if target.settings is None:
        return []
    info = conninfo(target.settings.database_url)
    try:
        async with await psycopg.AsyncConnection.connect(info, autocommit=True) as connection:
            before = datetime.datetime.now(datetime.UTC)
            state = await server_state.fetch(connection)
            after = datetime.datetime.now(datetime.UTC)
            found = [*of_state(state), *of_clocks(before, state.now, after)]
            if not state.is_read_only:
                replicas = await server_state.fetch_replicas(connection)
                found += of_replicas(replicas, await server_state.fetch_unused_slots(connection))
        if not state.denied_tables:
            found += await schema.check(info, target.migrations)
    except psycopg.Error as error:
        return [AWAY.found("Postgres", error.diag.message_primary or why_unreachable(error))]
    return found


def of_state(state: ServerState) -> list[Finding]:
    """The findings on version, rights and durability. Pure."""
    about = "Postgres"
    found = []
    if state.version_number < _OLDEST:
        found.append(TOO_OLD.found(about, state.version))
    if state.is_read_only:
        found.append(READ_ONLY.found(about, "read-only"))
    elif not state.may_create or state.denied_tables:
        lacks = f"no access to {' '.join(state.denied_tables)}" if state.denied_tables else "no right to create tables"
        found.append(RIGHTS.found(f"role {state.role}", lacks, role=state.role, schema="public"))
    found += [NOT_DURABLE.found(about, f"{name} is off", name=name) for name in state.not_durable]
    return found or [passed(about, f"{state.version}, as {state.role}")]


def of_clocks(before: datetime.datetime, theirs: datetime.datetime, after: datetime.datetime) -> list[Finding]:
    """The finding on the database's clock, read between two readings of our own. Pure."""
    apart = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
    if apart > _SECONDS_APART:
        return [CLOCK.found("clocks", f"that of Postgres and that of this host are {apart:.0f} s apart")]
    return [passed("clocks", "Postgres and this host agree")]


def of_replicas(replicas: list[Replica], unused_slots: list[Replica]) -> list[Finding]:
    """The findings on replicas and on the slots of those that are gone. Pure."""
    found = [
        BEHIND.found(f"replica {each.name}", f"{each.behind_octets // _MEGABYTE} MB behind")
        if each.behind_octets > _OCTETS_BEHIND
        else passed(f"replica {each.name}", "follows")
        for each in replicas
    ]
    found += [
        UNUSED_SLOT.found(f"slot {each.name}", f"unused, keeps {each.behind_octets // _MEGABYTE} MB", name=each.name)
        for each in unused_slots
    ]
    return found
