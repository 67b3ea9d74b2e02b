"""The start of a program: on an address that another process uses, and the libraries that it loads."""

import socket
import subprocess
import sys

import pytest
from support.harness import COMMANDS


@pytest.mark.parametrize(("program", "protocol"), [("smtp-ingest", "SMTP"), ("http-api", "HTTP")])
def test_an_address_in_use_ends_a_service_with_status_1_and_one_line(program: str, protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as in_use:
        port = in_use.getsockname()[1]
        completed = subprocess.run(
            [COMMANDS / program],
            check=False,
            capture_output=True,
            env={
                "DATABASE_URL": "postgresql://127.0.0.1:1/fake-email",
                "DOMAIN": "mx.test",
                f"{protocol}_HOST": "127.0.0.1",
                f"{protocol}_PORT": str(port),
            },
            text=True,
            timeout=20,
        )

    text = f"{protocol}_HOST, {protocol}_PORT: cannot listen on 127.0.0.1:{port}: Address already in use"
    assert (completed.returncode, completed.stdout) == (1, "")
    assert completed.stderr.startswith(text)
    assert len(completed.stderr.splitlines()) == 1


@pytest.mark.parametrize("program", ["fake_email", "http_api", "smtp_ingest"])
def test_a_program_loads_no_rich_which_takes_a_fifth_of_a_start(program: str) -> None:
    loaded = f"import sys, {program}.__main__; print('structlog' in sys.modules, 'rich' in sys.modules)"

    ended = subprocess.run([sys.executable, "-c", loaded], capture_output=True, check=True, text=True, timeout=20)

    assert ended.stdout == "True False\n"
