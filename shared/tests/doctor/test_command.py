"""`fake-email doctor` as an operator runs it: which installation it examines, and its exit status."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.dns_server import DnsServer, running_dns

from fake_email.__main__ import main
from fake_email.doctor.command import may_colour

DOMAIN = "fake-email.example"


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    with running_dns({("", "NS"): ("ns.example.",)}) as server:
        yield server


class Doctor:
    """The command in this process, whose start would take longer than most of its checks."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._output = output
        patch.chdir(directory)
        for name in ("DOMAIN", "DATABASE_URL"):
            patch.delenv(name, raising=False)

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """The exit status, and what the command printed."""
        self._patch.setattr(sys, "argv", ["fake-email", "doctor", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self._output.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out + printed.err


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(tmp_path, monkeypatch, capsys)


def problems(output: str) -> set[str]:
    rows = [json.loads(line) for line in output.splitlines()]
    return {row["id"] for row in rows if row["severity"] != "ok"}


def test_a_domain_is_examined_from_anywhere_without_settings(doctor: Doctor, server: DnsServer, tmp_path: Path) -> None:
    listed = tmp_path / "disposable.txt"
    listed.write_text(f"# a list\nother.example\n{DOMAIN}\n")
    arguments = ["--domain", f"mx.{DOMAIN}", "--resolver", server.address, "--only", "dns,lists"]

    status, output = doctor(*arguments, "--json", "--disposable-domains", str(listed))

    assert status == 2
    assert {"mx_missing", "spf_missing", "domain_listed"} <= problems(output)
    assert (f"api.mx.{DOMAIN}", "A") in server.asked


def test_settings_that_cannot_be_read_are_the_only_finding(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql:///\nDOMAIN=!\n")

    status, text = doctor()
    _, rows = doctor("--json")

    assert status == 2
    assert "DOMAIN: '!' is not a domain name" in text
    assert "\x1b" not in text
    assert problems(rows) == {"settings_invalid"}


def test_a_variable_that_no_program_reads_is_a_warning(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql:///\nDOMAIN=mx.test\nSMTP_MAX_SESSION=5\n")

    status, rows = doctor("--only", "settings", "--json")

    assert (status, problems(rows)) == (1, {"setting_unread"})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)],
)
def test_a_person_can_turn_colours_off(environ: dict[str, str], *, expected: bool) -> None:
    assert may_colour(environ) is expected


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "dns,teeth"], "'teeth' is not one of settings, "),
        (["--domain", "a..b"], "'a..b' is not a domain, as in fake-email.example"),
        (["--api", "https://api.fake-email.example"], "name its domain too"),
        (["--api", "api.fake-email.example"], "as in https://api.fake-email.example"),
        (["--smtp", "mail.example:no"], "'mail.example:no' is not a host"),
        (["--resolver", "dns.example"], "'dns.example' is not a DNS server"),
        (["--disposable-domains", "nothing.txt"], "nothing.txt: cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_argument_is_named(doctor: Doctor, arguments: list[str], complaint: str) -> None:
    status, output = doctor(*arguments)

    assert status == 2
    assert complaint in output
