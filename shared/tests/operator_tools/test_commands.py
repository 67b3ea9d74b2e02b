"""The operator's commands, run as an operator runs them, on a database with mail."""

import json
import os
import re
import subprocess

import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, store
from support.harness import COMMANDS, Pair

from fake_email.storage import role_mailboxes

DOMAIN = "operator.test"
REPLY = "Write to abuse@mx.test"


class Command:
    """`fake-email` on a database."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMANDS / "fake-email", *arguments],
            capture_output=True,
            check=False,
            env=os.environ | {"DATABASE_URL": self._database_url, "SUDO_USER": "ada"},
            input=typed,
            text=True,
            timeout=30,
        )

    def rows(self, *arguments: str) -> list[dict[str, object]]:
        """The rows that a command prints with --json."""
        completed = self.run(*arguments, "--json")
        assert completed.returncode == 0, completed.stderr
        return [json.loads(line) for line in completed.stdout.splitlines()]


@pytest.fixture
def command(pair: Pair) -> Command:
    return Command(pair.database_url)


@pytest.fixture
async def mailbox(pair: Pair) -> str:
    """An open mailbox with two messages."""
    address = make_mailbox(pair.database_url)
    await store(
        pair.database_url,
        address,
        message("one").replace(b"writer@client.test", f"ada@{DOMAIN}".encode()),
        message("two").replace(b"writer@client.test", f"bob@sub.{DOMAIN}".encode()),
    )
    return address


def acts(completed: subprocess.CompletedProcess[str]) -> list[tuple[object, ...]]:
    """The acts that the command logged, and the operator of each."""
    events = [json.loads(line) for line in completed.stderr.splitlines()]
    return [(each["act"], each["by"], each["of"], each["number"]) for each in events]


def test_mailboxes_are_found_by_address_and_by_domain(command: Command, mailbox: str) -> None:
    [by_address] = command.rows("mailboxes", mailbox.upper())
    by_domain = command.rows("mailboxes", "mx.test", "--limit", "1000000")
    [counted] = command.rows("mailboxes", mailbox, "--count")

    assert (by_address["address"], by_address["message_count"]) == (mailbox, 2)
    assert mailbox in [row["address"] for row in by_domain]
    assert (counted["mailboxes"], counted["messages"]) == (1, 2)
    assert command.run("mailboxes", "nothing.test").stdout == "no mailbox matches\n"


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (["--from", DOMAIN], 2),
        (["--from", f"sub.{DOMAIN}"], 1),
        (["--from", f"bob@sub.{DOMAIN}"], 1),
        (["--from", f"evil{DOMAIN}"], 0),
        (["--client", "192.0.2.0/24"], 2),
        (["--client", "198.51.100.7"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_messages_are_found_by_sender_and_client(
    command: Command, mailbox: str, arguments: list[str], number: int
) -> None:
    rows = command.rows("messages", "--to", mailbox, *arguments)

    assert len(rows) == number
    assert all(row["mailbox"] == mailbox for row in rows)
    assert not any("subject" in row or "text" in row for row in rows)


async def test_deleted_messages_are_gone_for_their_readers(command: Command, mailbox: str) -> None:
    deleted = command.run("messages", "--to", mailbox, "--from", f"sub.{DOMAIN}", "--delete")

    assert (deleted.returncode, deleted.stdout) == (0, "deleted 1 messages\n")
    assert acts(deleted) == [("messages_deleted", "ada", f"to {mailbox} from sub.{DOMAIN}", 1)]
    [left] = command.rows("mailboxes", mailbox)
    assert left["message_count"] == 1


async def test_deleted_mailboxes_are_gone_but_for_the_operators_own(pair: Pair, command: Command, mailbox: str) -> None:
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        await role_mailboxes.create(connection, [DOMAIN])
    deleted = command.run("mailboxes", mailbox, "--delete")
    of_domain = command.run("mailboxes", DOMAIN, "--delete")

    assert acts(deleted) == [("mailboxes_deleted", "ada", f"to {mailbox}", 1)]
    assert command.rows("mailboxes", mailbox) == []
    assert of_domain.stdout == "deleted 0 mailboxes\n"
    assert {row["address"] for row in command.rows("mailboxes", DOMAIN)} == {f"abuse@{DOMAIN}", f"postmaster@{DOMAIN}"}


@pytest.mark.parametrize("what", ["mailboxes", "messages"])
def test_nothing_is_deleted_without_saying_which(command: Command, what: str) -> None:
    completed = command.run(what, "--delete", "--yes")

    assert completed.returncode == 1
    assert completed.stderr == "say which to delete: an address, a domain, a sender or a network\n"


def test_a_block_is_listed_changed_and_taken_back(command: Command) -> None:
    blocked = command.run("block", "@Blocked.Test", "--reply", REPLY)
    [row] = [each for each in command.rows("block") if each["sender"] == "blocked.test"]
    changed = command.run("block", "blocked.test")
    unblocked = command.run("unblock", "blocked.test")
    again = command.run("unblock", "blocked.test")

    assert blocked.stdout == f"blocked.test: RCPT gets 550 5.7.1 {REPLY}, within a few seconds\n"
    assert acts(blocked) == [("sender_blocked", "ada", "blocked.test", 1)]
    assert (row["reply"], row["blocked_by"]) == (REPLY, "ada")
    assert changed.returncode == 0
    assert acts(unblocked) == [("sender_unblocked", "ada", "blocked.test", 1)]
    assert (again.returncode, again.stderr) == (1, "blocked.test is not blocked; fake-email block lists what is\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["block", "192.0.2.0/33"], "'192.0.2.0/33' is not a domain or a network"),
        (["block", "no domain"], "'no domain' is not a domain or a network"),
        (["block", "blocked.test", "--reply", "two\nlines"], "1 to 200 printable ASCII characters"),
        (["messages", "--client", "mx.test"], "'mx.test' is not a network"),
        (["mailboxes", "a@b@"], "'a@b@' is not an address or a domain"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_a_wrong_argument_is_explained(command: Command, arguments: list[str], complaint: str) -> None:
    completed = command.run(*arguments)

    assert completed.returncode == 2
    assert complaint in completed.stderr


async def test_stats_count_what_is_stored(command: Command, mailbox: str) -> None:
    stats, *senders = command.rows("stats")
    shown = command.run("stats").stdout

    assert mailbox
    assert {"mailboxes", "private_mailboxes", "messages", "octets", "blocks"} <= stats.keys()
    assert senders
    assert re.search(r"^messages of last hour +[\d,]+$", shown, re.MULTILINE)
    assert "clients that most of the stored mail of the last day came from" in shown


async def test_a_table_shows_no_control_character_of_a_stranger(pair: Pair, command: Command, mailbox: str) -> None:
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE message SET from_address = %s FROM mailbox WHERE mailbox.id = mailbox_id AND address = %s",
            ["red\x1b[31m@x.test", mailbox],
        )

    shown = command.run("messages", "--to", mailbox).stdout

    assert "\x1b" not in shown
    assert "red\N{REPLACEMENT CHARACTER}[31m@x.test" in shown
