"""The command `fake-email-client` on real services: JSON in a pipe, a table on a terminal, and its exit statuses."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.harness import Pair
from support.relay import running_relay
from support.sender import Sender
from support.waiting import DEADLINE_SECONDS, deadline

from fake_email_client import Mail, command
from fake_email_client.command_boxes import KnownMailbox, KnownMailboxes
from fake_email_client.command_output import span
from fake_email_client.command_terminal import fit, width
from fake_email_client.printable import printable, printable_lines

PROGRAM = Path(sys.executable).parent / "fake-email-client"
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def home(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state directory, and the server in the environment."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("FAKE_EMAIL_URL", pair.http_url)
    monkeypatch.delenv("FAKE_EMAIL_TOKEN", raising=False)
    return tmp_path


class Shell:
    """Runs the command in this process; `out` is what it printed, and `err` what it complained about."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.err = ""

    def run(self, *arguments: str, status: int = 0) -> str:
        assert command.run(arguments) == status, self._capsys.readouterr().err
        out, self.err = self._capsys.readouterr()
        return out

    def json(self, *arguments: str) -> dict[str, object]:
        decoded: dict[str, object] = json.loads(self.run(*arguments))
        return decoded


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def test_a_shell_gets_the_code_of_a_mailbox_that_it_made(shell: Shell, pair: Pair, home: Path) -> None:
    made = shell.json("new", "--name", "ann", "--ttl", "10m")
    sent = shell.json("send-test", "--smtp", f"127.0.0.1:{pair.smtp_port}")

    assert sent["address"] == made["address"]
    assert shell.run("wait", "--code", "--raw") == f"{sent['code']}\n"
    shell.run("wait", "--code", "--timeout", "1", status=command.NO_MAIL)
    assert "was returned before" in shell.err
    assert [each.stat().st_mode & 0o777 for each in home.rglob("*.json")] == [0o600]


def test_a_code_or_a_link_comes_with_its_message(shell: Shell, sender: Sender) -> None:
    address = str(shell.json("new")["address"])
    sender.welcome(address)
    sender.welcome(address)

    code = shell.json("wait", "--code", "--subject", "welcome")
    # \pL is of RE2, and not of Python.
    link = shell.json("wait", "--link", "verify", "--from", r"/\pL+@.*test/")

    assert (code["code"], link["link"]) == ("482913", "https://example.test/verify?t=Qm9w")
    assert [each["subject"] for each in (code["message"], link["message"]) if isinstance(each, dict)] == ["Welcome"] * 2


@pytest.mark.parametrize("spelled", [str.upper, lambda address: address.replace("@", "+shop@")])
def test_each_spelling_of_an_address_is_its_mailbox(
    shell: Shell, sender: Sender, spelled: Callable[[str], str]
) -> None:
    address = str(shell.json("new")["address"])
    sender.welcome(address)

    assert shell.run("wait", spelled(address), "--code", "--raw") == "482913\n"
    shell.run("wait", address, "--timeout", "1", status=command.NO_MAIL)


def test_a_clock_that_is_hours_ahead_forgets_no_mailbox(home: Path) -> None:
    known, then = KnownMailboxes(home / "mailboxes.json"), datetime.now(UTC) - timedelta(hours=20)
    for name in ("ann", "bob"):
        known.add(KnownMailbox(url="http://mx.test", address=f"{name}@mx.test", token="secret", expires_at=then))

    assert all(known.find("http://mx.test", f"{name}@mx.test") for name in ("ann", "bob"))


def test_commands_at_the_same_time_forget_no_mailbox_and_take_no_message_twice(home: Path) -> None:
    known, soon = KnownMailboxes(home / "mailboxes.json"), datetime.now(UTC) + timedelta(hours=1)

    def new(name: int) -> None:
        known.add(KnownMailbox(url="http://mx.test", address=f"{name}@mx.test", token="secret", expires_at=soon))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(new, range(32)))
        taken = list(threads.map(lambda seq: known.take("http://mx.test", "7@mx.test", seq % 8), range(64)))

    assert all(known.find("http://mx.test", f"{name}@mx.test") for name in range(32))
    assert taken.count(True) == 8


def test_a_mailbox_that_cannot_be_remembered_is_printed_all_the_same(shell: Shell, home: Path) -> None:
    (home / "fake-email-client").write_text("a file, and no directory")

    printed = json.loads(shell.run("new", status=command.FAILED))

    assert printed.keys() == {"address", "token", "expires_at"}
    assert "cannot remember the mailbox: [Errno" in shell.err


def test_options_for_all_commands_stand_before_or_after_the_name(shell: Shell, pair: Pair) -> None:
    before = shell.json("--json", "--url", pair.http_url, "new")
    after = shell.json("--url", NOBODY, "new", "--json", "--url", pair.http_url)

    assert before.keys() == after.keys()


def test_json_is_utf_8_and_text_is_what_the_terminal_has(sender: Sender, pair: Pair) -> None:
    with Mail(pair.http_url) as mail, mail.mailbox() as box:
        sender.text(box.address, "Grün", "日本")
        # As on a terminal of Windows, whose characters are not those of Unicode.
        environ = os.environ | {"PYTHONIOENCODING": "ascii"}
        listed, raw = [
            subprocess.check_output([PROGRAM, *arguments], env=environ)
            for arguments in (["show", box.address], ["wait", box.address, "--raw"])
        ]

    assert json.loads(listed)["subject"] == "Grün"
    assert raw == b"??\n"


def test_messages_are_listed_and_shown(shell: Shell, sender: Sender) -> None:
    address = str(shell.json("new", "--public")["address"])
    sender.text(address, "One")
    sender.text(address, "Two")

    assert [json.loads(line)["subject"] for line in shell.run("show").splitlines()] == ["One", "Two"]
    assert [json.loads(line)["seq"] for line in shell.run("show", "--query", "subject:two").splitlines()] == [2]
    assert shell.json("show", address, "1")["text"] == shell.json("show", "last")["text"] == "Hello there."
    assert shell.run("show", "1", "--source").startswith("Return-Path: <ann@example.test>")
    shell.run("show", "7", status=command.FAILED)
    assert shell.err == f"fake-email-client: {address} has no message 7\n"


def test_watch_prints_each_message_until_the_mailbox_is_over(shell: Shell, sender: Sender, pair: Pair) -> None:
    with Mail(pair.http_url) as mail, mail.mailbox() as box:
        sender.text(box.address, "One")
        watching = subprocess.Popen([PROGRAM, "watch", box.address], stdout=subprocess.PIPE)
        assert watching.stdout
        assert json.loads(watching.stdout.readline())["subject"] == "One"
        sender.text(box.address, "Two")
        assert json.loads(watching.stdout.readline())["subject"] == "Two"
    assert watching.communicate()[0] == b""
    assert watching.returncode == 0


def test_watch_goes_on_after_the_api_was_away_for_longer_than_other_commands_wait(sender: Sender, pair: Pair) -> None:
    with (
        Mail(pair.http_url) as mail,
        mail.mailbox() as box,
        running_relay(urlsplit(pair.http_url).port or 0) as relay,
        subprocess.Popen([PROGRAM, "watch", box.address, "--url", relay.url], stdout=subprocess.PIPE) as watching,
    ):
        try:
            assert watching.stdout
            sender.text(box.address, "One")
            assert json.loads(watching.stdout.readline())["subject"] == "One"
            relay.cut()
            # The pauses between five attempts are longer than the patience of the other commands.
            assert any(relay.turned_away >= 5 or watching.poll() is not None for _ in deadline())
            relay.mend()
            sender.text(box.address, "Two")
            assert json.loads(watching.stdout.readline())["subject"] == "Two"
            box.close()
            assert watching.wait(DEADLINE_SECONDS) == 0
        finally:
            watching.kill()


def test_a_mailbox_of_another_program_takes_its_token(
    shell: Shell, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Mail(pair.http_url) as mail, mail.mailbox(private=True) as box:
        shell.run("show", box.address, status=command.FAILED)
        monkeypatch.setenv("FAKE_EMAIL_TOKEN", str(box.token))
        assert shell.run("show", box.address) == ""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["show"], command.FAILED, "no mailbox was made at"),
        (["show", "nobody@mx.test"], command.FAILED, "404 mailbox_not_found"),
        (["--url", NOBODY, "new"], command.FAILED, f"the API at {NOBODY} does not respond"),
        (["--url", "nonsense", "new"], command.USAGE, "nonsense is not the URL of an API"),
        (["--url", "nonsense", "mcp"], command.USAGE, "nonsense is not the URL of an API"),
        (["send-test", "a@mx.test", "--smtp", "127.0.0.1"], command.USAGE, "--smtp: 127.0.0.1 is not HOST:PORT"),
        (["send-test", "a@mx.test", "--smtp", "127.0.0.1:1"], command.FAILED, "did not take the mail: [Errno"),
        (["send-test", "a@mx.test", "--smtp", "[::1]:1"], command.FAILED, "the mail server [::1]:1 did not take"),
        (["send-test", "a@mx.test", "--smtp", "mx.test"], command.USAGE, "mx.test is not HOST:PORT"),
        (["wait", "a@mx.test", "--text", "/[/"], command.FAILED, "text: not a regular expression of RE2"),
        (["show", "1", "2"], command.USAGE, "show takes one message, not 1 and 2"),
    ],
)
def test_what_cannot_be_done_is_said(shell: Shell, arguments: list[str], status: int, said: str) -> None:
    shell.run(*arguments, status=status)

    assert said in shell.err


@pytest.mark.parametrize("address", ["nobody@mx.test", "grün@mx.test"])
def test_the_reply_of_the_mail_server_is_said(shell: Shell, pair: Pair, address: str) -> None:
    shell.run("send-test", address, "--smtp", f"127.0.0.1:{pair.smtp_port}", status=command.FAILED)

    assert "did not take the mail: 550 5.1.1" in shell.err


def test_a_terminal_shows_a_table_as_mail_arrives(shell: Shell, sender: Sender) -> None:
    address = str(shell.json("new")["address"])
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    # A shell lets its background jobs, as this test may be one, ignore SIGINT.
    program = ["env", "--default-signal=INT", str(PROGRAM), "watch"]
    watching = subprocess.Popen(program, stdin=end, stdout=end, stderr=end)
    shown = ""

    def until(pattern: str) -> None:
        nonlocal shown
        for _ in deadline():
            shown += os.read(terminal, 65536).decode(errors="replace")
            if re.search(pattern, shown):
                return

    until(f"Waiting for mail · {address}")
    sender.text(address, "Hello \x1b]0;title\x07 there", "Your code is 482913.")
    until("1 message · ")
    watching.send_signal(signal.SIGINT)

    row = next(line for line in shown.splitlines() if "Hello" in line)
    assert re.sub(r"\x1b\[[0-9;]*[mK]", "", row).split()[2:] == ["Ann", "Hello", "]0;title", "there", "482913"]
    try:
        assert watching.wait(DEADLINE_SECONDS) == command.INTERRUPTED
    finally:
        watching.kill()
        watching.wait()
        os.close(end)
        os.close(terminal)


def test_text_takes_its_columns() -> None:
    assert [width(each) for each in ("abc", "日本", "e\u0301")] == [3, 4, 1]
    assert [fit("日本語", 4), fit("ab", 4), fit("abcde", 4)] == ["日… ", "ab  ", "abc…"]
    assert printable_lines("a\n\tb\x1b[2J") == "a\n    b�[2J"
    assert printable("a\u202eb\x1b[31m") == "a�b�[31m"
    assert [span(each) for each in (0, 59.6, 3660, 90_000)] == ["0 s", "1 min", "1 h 1 min", "1 d 1 h"]
