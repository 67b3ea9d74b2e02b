"""Misspelt names of settings: in the environment of a service, and in an environment file."""

import json
import subprocess
from pathlib import Path

import pytest
from support.harness import COMMANDS, failed_start

from fake_email import setting_names
from fake_email.settings import VARIABLES

ENVIRON = {"DATABASE_URL": "postgresql://127.0.0.1:1/fake-email", "DOMAIN": "mx.test"}
MIGRATIONS = Path(__file__).parents[2] / "db/migrations"


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("CORS_ALLOWED_ORIGIN", "CORS_ALLOWED_ORIGINS"),
        ("CORS_ALOWED_ORIGIN", "CORS_ALLOWED_ORIGINS"),
        ("HTTP_PROT", "HTTP_PORT"),
        ("http_port", "HTTP_PORT"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("DOMAINS", "DOMAIN"),
        ("TRUSTED_PROXY", None),
        ("MAIN", None),
        ("HTTP_PROXY", None),
        ("HOST", None),
        ("SMTP_USER", None),
        ("TERM", None),
        ("SSL_CERT_FILE", None),  # of OpenSSL, and one letter from TLS_CERT_FILE
    ],
)
def test_a_variable_that_is_one_or_two_letters_from_a_setting_is_misspelt(name: str, setting: str | None) -> None:
    assert setting_names.misspelt([name], VARIABLES) == ({name: setting} if setting else {})


@pytest.mark.parametrize("name", VARIABLES)
def test_no_setting_counts_as_misspelt(name: str) -> None:
    assert setting_names.misspelt([name], VARIABLES) == {}


@pytest.mark.parametrize("name", ["PGSSLROOTCERT", "PYTHONUNBUFFERED", "TZ", "LC_ALL", "MALLOC_ARENA_MAX"])
def test_a_variable_that_a_library_reads_is_read(name: str) -> None:
    assert setting_names.unread([name], VARIABLES) == []


def fake_email(*arguments: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMANDS / "fake-email", *arguments],
        check=False,
        capture_output=True,
        cwd=cwd,
        env=environ,
        text=True,
        timeout=20,
    )


def test_check_names_each_variable_of_the_file_that_no_program_reads(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("DOMAIN=mx.test\n# a comment\nDATABASE_URL='postgresql:///x'\nHTTP_PROT=80\nCOLOUR=red\nTZ=UTC\n")

    done = fake_email("check", "--offline", "--migrations", MIGRATIONS, "--env-file", file, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "COLOUR: no program reads this variable\n"
        "HTTP_PROT: no program reads this variable; the nearest setting is HTTP_PORT\n"
    )


def test_check_reads_the_settings_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("DOMAIN=mx.test\nDATABASE_URL=postgresql:///x\n")
    check = ("check", "--offline", "--migrations", MIGRATIONS, "--env-file", file)

    good = fake_email(*check, cwd=tmp_path)
    file.write_text("DOMAIN=mx.test\nDATABASE_URL=postgresql:///x\nLOG_LEVEL=loud\n")
    wrong = fake_email(*check, cwd=tmp_path)

    assert good.returncode == 0, good.stderr
    assert (wrong.returncode, wrong.stderr) == (2, "LOG_LEVEL: 'loud' is not one of debug, error, info and warning\n")


@pytest.mark.parametrize("command", ["check", "operator-token"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, command: str) -> None:
    done = fake_email(command, "--env-file", "nowhere", cwd=tmp_path, **ENVIRON)

    assert (done.returncode, done.stderr) == (2, "nowhere: cannot be read: No such file or directory\n")


def test_operator_token_reads_dot_env_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DOMAIN=mx.test\nDATABASE_URL=postgresql:///x\nLOG_LEVEL=loud\n")

    from_file = fake_email("operator-token", cwd=tmp_path)
    from_both = fake_email("operator-token", cwd=tmp_path, LOG_LEVEL="info", **ENVIRON)

    assert (from_file.returncode, from_file.stderr[:10]) == (2, "LOG_LEVEL:")
    assert (from_both.returncode, from_both.stderr[:13]) == (1, "DATABASE_URL:")


@pytest.mark.parametrize("command", ["smtp-ingest", "http-api"])
def test_a_start_warns_of_a_misspelt_setting(command: str) -> None:
    done = failed_start(
        command, DOMAIN="mx.test", HTTP_PROT="80", TLS_CERT_FIL="x", HTTP_HOST="192.0.2.1", SMTP_HOST="192.0.2.1"
    )

    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    told = [(line["event"], line["variable"], line["nearest"]) for line in lines if line["level"] == "warning"]
    assert told == [
        ("variable_not_read", "HTTP_PROT", "HTTP_PORT"),
        ("variable_not_read", "TLS_CERT_FIL", "TLS_CERT_FILE"),
    ]
