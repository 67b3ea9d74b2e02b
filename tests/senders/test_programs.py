"""Delivery from programs that speak SMTP themselves: Python's smtplib, swaks and Node's nodemailer."""

import base64
import json
import os
import random
import shutil
import smtplib
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from senders.fetch import DEBIAN, NODEMAILER, is_usable
from support.certificates import issue
from support.content import message
from support.database import make_mailbox, stored
from support.harness import DOMAINS, Pair, Service, running_smtp

REVERSE_PATH = "writer@client.test"
NOBODY = f"nobody@{DOMAINS[0]}"

# Sends each content to the recipients, over verified TLS with an authority; returns its report of the replies.
Program = Callable[[int, Path | None, Sequence[str], Sequence[bytes]], str]


def smtplib_(port: int, authority: Path | None, recipients: Sequence[str], contents: Sequence[bytes]) -> str:
    refused: dict[str, tuple[int, bytes]] = {}
    with smtplib.SMTP("localhost", port, timeout=20) as session:
        if authority:
            session.starttls(context=ssl.create_default_context(cafile=authority))
        try:
            for content in contents:
                refused |= session.sendmail(REVERSE_PATH, recipients, content, ["BODY=8BITMIME"])
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
    return str(refused)


def swaks(port: int, authority: Path | None, recipients: Sequence[str], contents: Sequence[bytes]) -> str:
    if not is_usable():
        pytest.skip("swaks is not fetched: make test-senders, as root, on Debian")
    output = ""
    with tempfile.TemporaryDirectory(dir=DEBIAN / "tmp") as directory:
        tls: list[str] = []
        if authority:
            shutil.copy(authority, f"{directory}/authority.pem")
            tls = ["--tls", "--tls-verify", "--tls-ca-path", f"/tmp/{Path(directory).name}/authority.pem"]
        for content in contents:
            Path(directory, "content").write_bytes(content.removesuffix(b"\r\n"))  # swaks adds a CRLF
            arguments = ["--from", REVERSE_PATH, "--to", ",".join(recipients), *tls]
            arguments += ["--data", f"@/tmp/{Path(directory).name}/content", "--suppress-data"]
            output += run(["chroot", DEBIAN, "perl", "/usr/bin/swaks", "--server", f"127.0.0.1:{port}", *arguments])
    return output


def nodemailer(port: int, authority: Path | None, recipients: Sequence[str], contents: Sequence[bytes]) -> str:
    if not NODEMAILER.exists() or not shutil.which("node"):
        pytest.skip("nodemailer is not fetched: apt install npm, make test-senders")
    told = {
        "port": port,
        "authority": authority and authority.read_text(),
        "envelope": {"from": REVERSE_PATH, "to": recipients},
        "contents": [base64.b64encode(content).decode() for content in contents],
    }
    return run(["node", Path(__file__).parent / "nodemailer.cjs"], json.dumps(told).encode())


def run(command: Sequence[str | Path], stdin: bytes = b"") -> str:
    """Return the output of the command, which may fail when mail is rejected."""
    environ = os.environ | {"LC_ALL": "C", "NODE_PATH": str(NODEMAILER.parent)}
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False, env=environ)
    return (done.stdout + done.stderr).decode()


def name(program: Program) -> str:
    return program.__name__.strip("_")


@pytest.fixture(params=[smtplib_, swaks, nodemailer], ids=name)
def program(request: pytest.FixtureRequest) -> Program:
    chosen: Program = request.param
    return chosen


@pytest.fixture(scope="module")
def daemon(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service, Path]]:
    """An smtp-ingest with TLS, and the path of its certificate authority."""
    directory = tmp_path_factory.mktemp("daemon")
    environ, authority = issue(directory)
    with running_smtp(pair.database_url, directory, MAILBOX_QUOTA_MESSAGES="20", **environ) as (own, service):
        yield own, service, authority


PLAIN = message(body="Hello there.\r\n.\r\n..\r\n.hidden")
EIGHT_BIT = message(body="Grüße, 你好") + bytes(range(128, 256)) + b"\r\n"
TWENTY_MEGABYTES = message(body="x") + base64.encodebytes(random.Random(1).randbytes(14_800_000)).replace(
    b"\n", b"\r\n"
)
CONTENTS = [
    pytest.param(PLAIN, id="plain"),
    pytest.param(EIGHT_BIT, id="8-bit"),
    pytest.param(TWENTY_MEGABYTES, id="20 MB"),
]


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("is_over_tls", [False, True], ids=["plain text", "TLS"])
def test_a_message_is_stored_unaltered(
    program: Program, daemon: tuple[Pair, Service, Path], content: bytes, is_over_tls: bool
) -> None:
    pair, _, authority = daemon
    address = make_mailbox(pair.database_url)

    output = program(pair.smtp_port, authority if is_over_tls else None, [address], [content])

    assert stored(pair.database_url, address) == [content], output


def test_a_message_for_several_recipients_reaches_the_known_ones(
    program: Program, daemon: tuple[Pair, Service, Path]
) -> None:
    pair, _, _ = daemon
    addresses = [make_mailbox(pair.database_url) for _ in range(3)]

    output = program(pair.smtp_port, None, [*addresses, NOBODY], [PLAIN])

    assert "550" in output
    assert "5.1.1" in output
    assert [stored(pair.database_url, address) for address in addresses] == [[PLAIN]] * 3, output


def test_mail_for_a_full_mailbox_is_deferred(program: Program, daemon: tuple[Pair, Service, Path]) -> None:
    pair, _, _ = daemon
    address = make_mailbox(pair.database_url)
    contents = [message(subject=str(number)) for number in range(21)]

    output = program(pair.smtp_port, None, [address], contents)

    assert "452" in output
    assert "4.2.2" in output
    assert len(stored(pair.database_url, address)) == 20, output


# swaks sends one message over a connection.
@pytest.mark.parametrize("program", [smtplib_, nodemailer], ids=name, indirect=True)
def test_many_messages_are_sent_over_one_connection(program: Program, daemon: tuple[Pair, Service, Path]) -> None:
    pair, service, _ = daemon
    address = make_mailbox(pair.database_url)
    contents = [message(subject=str(number)) for number in range(20)]

    program(pair.smtp_port, None, [address], contents)

    assert stored(pair.database_url, address) == contents
    sessions = [event["session"] for event in service.events() if event["event"] == "message_stored"]
    assert len(set(sessions[-20:])) == 1
