"""Delivery from Postfix, Exim and OpenSMTPD, and how they log our replies."""

import base64
import random
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from senders.conftest import Start
from senders.hosts import Host
from support.certificates import issue
from support.database import make_mailbox, stored
from support.harness import Pair, running_smtp


@pytest.fixture
def pair(database_url: str, tmp_path: Path) -> Iterator[Pair]:
    with running_smtp(database_url, tmp_path) as (pair, _):
        yield pair


@pytest.fixture
def host(start_host: Start, pair: Pair) -> Iterator[Host]:
    with start_host(pair.smtp_port, None) as host:
        yield host


def content(number: int = 1, body: bytes = b"Hello there.\r\n") -> bytes:
    """Return a complete message, to which a host adds only trace fields."""
    return (
        b"From: writer@client.test\r\n"
        b"To: reader@mx.test\r\n"
        b"Subject: Number %d\r\n"
        b"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
        b"Message-ID: <%d@client.test>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n"
        b"\r\n%b" % (number, number, body)
    )


def assert_stored(pair: Pair, address: str, *contents: bytes) -> None:
    """Check that the mailbox has one message for each content, with only trace fields before it (RFC 5321 §4.4)."""
    found = sorted(stored(pair.database_url, address), key=lambda one: one[one.index(b"\r\nSubject: ") :])
    for one, sent in zip(found, sorted(contents, key=lambda one: one[one.index(b"\r\nSubject: ") :]), strict=True):
        assert one.endswith(sent)
        assert re.fullmatch(rb"(Received: .*\r\n([ \t].*\r\n)*)+", one.removesuffix(sent))


TWENTY_MEGABYTES = base64.encodebytes(random.Random(1).randbytes(14_800_000)).replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"Hello there.\r\n.\r\n..\r\n.hidden\r\n", id="plain"),
        pytest.param("Grüße, 你好\r\n".encode() + bytes(range(128, 256)) + b"\r\n", id="8-bit"),
        pytest.param(TWENTY_MEGABYTES, id="20 MB"),
    ],
)
def test_a_message_is_sent_and_stored_unaltered(host: Host, pair: Pair, body: bytes) -> None:
    address = make_mailbox(pair.database_url)

    host.submit(content(body=body), address)

    assert "250 2.6.0" in host.wait_for("sent", address)
    assert_stored(pair, address, content(body=body))


def test_a_message_for_several_recipients_is_sent_to_each(host: Host, pair: Pair) -> None:
    addresses = [make_mailbox(pair.database_url) for _ in range(3)]

    host.submit(content(), *addresses)

    for address in addresses:
        assert "250 2.6.0" in host.wait_for("sent", address)
        assert_stored(pair, address, content())


def test_a_message_for_an_unknown_mailbox_bounces(host: Host, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    host.submit(content(), address, "nobody@mx.test")

    assert "550 5.1.1" in host.wait_for("bounced", "nobody@mx.test")
    assert "250 2.6.0" in host.wait_for("sent", address)
    assert_stored(pair, address, content())


def test_a_bounce_is_sent_to_the_reverse_path(host: Host, pair: Pair) -> None:
    writer = make_mailbox(pair.database_url)

    host.submit(content(), "nobody@mx.test", reverse_path=writer)

    assert "250 2.6.0" in host.wait_for("sent", writer)
    with psycopg.connect(pair.database_url) as connection:
        rows = connection.execute("SELECT reverse_path, convert_from(content, 'UTF8') FROM message").fetchall()
    [(reverse_path, bounce)] = rows
    assert reverse_path == ""
    assert "5.1.1" in bounce


def test_mail_for_a_full_mailbox_is_deferred_until_it_has_space(start_host: Start, pair: Pair) -> None:
    pair.services[0].stop()
    pair.start_smtp(MAILBOX_QUOTA_MESSAGES="1")
    address = make_mailbox(pair.database_url)
    with start_host(pair.smtp_port, None) as host:
        host.submit(content(1), address)
        host.wait_for("sent", address)

        host.submit(content(2), address)
        deferred = host.wait_for("deferred", address)
        assert_stored(pair, address, content(1))
        with psycopg.connect(pair.database_url, autocommit=True) as connection:
            connection.execute("DELETE FROM message")
            connection.execute("UPDATE mailbox SET message_count = 0, stored_octets = 0")
        host.flush()
        host.wait_for("sent", address, times=2)

    assert "452 4.2.2" in deferred
    assert_stored(pair, address, content(2))


def test_mail_is_deferred_while_the_daemon_is_away(host: Host, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    pair.services[0].stop()

    host.submit(content(), address)
    host.wait_for("deferred", address)
    pair.start_smtp(SMTP_PORT=str(pair.smtp_port))
    host.flush()

    assert "250 2.6.0" in host.wait_for("sent", address)
    assert_stored(pair, address, content())


def test_queued_messages_are_sent_over_few_connections(host: Host, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    contents = [content(number) for number in range(20)]
    pair.services[0].stop()
    for one in contents:
        host.submit(one, address)
    host.wait_for("deferred", address, times=20)

    service = pair.start_smtp(SMTP_PORT=str(pair.smtp_port))
    host.flush()
    host.wait_for("sent", address, times=20)

    assert_stored(pair, address, *contents)
    sessions = [event["session"] for event in service.events() if event["event"] == "message_stored"]
    assert len(sessions) == 20
    assert len(set(sessions)) <= 3


def test_a_message_is_sent_over_verified_tls(start_host: Start, database_url: str, tmp_path: Path) -> None:
    environ, authority = issue(tmp_path)
    with running_smtp(database_url, tmp_path, **environ) as (pair, _), start_host(pair.smtp_port, authority) as host:
        address = make_mailbox(pair.database_url)

        host.submit(content(), address)

        assert "250 2.6.0" in host.wait_for("sent", address)
        assert re.search(host.verified, host.log_text()), host.log_text()
        assert_stored(pair, address, content())
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT protocol FROM message").fetchall() == [("ESMTPS",)]


def test_no_message_is_sent_over_unverified_tls(start_host: Start, database_url: str, tmp_path: Path) -> None:
    environ, _ = issue(tmp_path)
    _, untrusted = issue(tmp_path / "other")
    with (
        running_smtp(database_url, tmp_path, **environ) as (pair, _),
        start_host(pair.smtp_port, untrusted) as host,
    ):
        address = make_mailbox(pair.database_url)

        host.submit(content(), address)

        host.wait_for("deferred", address)
        assert_stored(pair, address)
