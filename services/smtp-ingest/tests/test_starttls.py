"""STARTTLS (RFC 3207): a certificate, handshakes that succeed and fail, and mail over TLS."""

import asyncio
import os
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from support.harness import (
    COMMANDS,
    DEADLINE_SECONDS,
    DOMAINS,
    Pair,
    Service,
    SmtpClient,
    failed_start,
    make_mailbox,
    message,
    running_smtp,
    stored,
    until,
)

Event = dict[str, object]
Daemon = tuple[Pair, Service]


class KeyPair:
    """A full chain and its key, as the files that the daemon reads."""

    def __init__(self, directory: Path, leaf: trustme.LeafCert) -> None:
        self.chain = directory / "chain.pem"
        self.key = directory / "key.pem"
        self.environ = {"TLS_CERT_FILE": str(self.chain), "TLS_KEY_FILE": str(self.key)}
        self.write(leaf)

    def write(self, leaf: trustme.LeafCert) -> None:
        self.chain.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        self.key.write_bytes(leaf.private_key_pem.bytes())


class Authority:
    """A private root, and certificates for the daemon's name from the intermediate below it."""

    def __init__(self) -> None:
        self.root = trustme.CA()
        self._intermediate = self.root.create_child_ca()

    def issue(self) -> trustme.LeafCert:
        return self._intermediate.issue_cert(DOMAINS[0], "127.0.0.1")

    def trust(self) -> ssl.SSLContext:
        """What a client needs that knows the root, and nothing below it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.root.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def trust(authority: Authority) -> ssl.SSLContext:
    return authority.trust()


@pytest.fixture(scope="module")
def daemon(pair: Pair, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a certificate."""
    directory = tmp_path_factory.mktemp("tls")
    with running_smtp(pair.database_url, directory, **KeyPair(directory, authority.issue()).environ) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(pair: Pair, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One that waits a second for a client."""
    directory = tmp_path_factory.mktemp("impatient")
    environ = KeyPair(directory, authority.issue()).environ
    with running_smtp(pair.database_url, directory, SMTP_IDLE_SECONDS="1", **environ) as running:
        yield running


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[SmtpClient]:
    """A session that was greeted and has said nothing yet."""
    async with connected(daemon[0].smtp_port) as client:
        yield client


@pytest.fixture
async def secure(client: SmtpClient, trust: ssl.SSLContext) -> SmtpClient:
    await start_tls(client, trust)
    return client


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[SmtpClient]:
    async with SmtpClient.connect(port) as client:
        try:
            yield client
        finally:
            # TLS that is closed waits for the other side to close it too, and the event loop of a test does not.
            client.writer.transport.abort()


async def start_tls(client: SmtpClient, trust: ssl.SSLContext) -> None:
    await client.converse(("EHLO client.test", 250), ("STARTTLS", 220))
    await shake_hands(client, trust)


async def shake_hands(client: SmtpClient, trust: ssl.SSLContext) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        await client.writer.start_tls(trust, server_hostname=DOMAINS[0])


@asynccontextmanager
async def secured(port: int, trust: ssl.SSLContext) -> AsyncIterator[SmtpClient]:
    """A session over TLS in which nothing was said since the handshake."""
    async with connected(port) as client:
        await start_tls(client, trust)
        yield client


def speaks_openssl(port: int, authority: Authority, directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What OpenSSL's own client says of a session in which it says EHLO and QUIT."""
    authority.root.cert_pem.write_to_path(str(directory / "root.pem"))
    command = ["openssl", "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{port}", "-brief", "-crlf"]
    verified = ["-CAfile", str(directory / "root.pem"), "-verify_return_error", "-verify_hostname", DOMAINS[0]]
    return subprocess.run(
        [*command, *verified, "-ign_eof", *options],
        input="EHLO client.test\nQUIT\n",
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


async def trace(database_url: str, address: str) -> tuple[str, str]:
    """How the only message of a mailbox came: the columns `protocol` and `tls`."""
    query = "SELECT protocol, tls FROM message JOIN mailbox ON mailbox.id = mailbox_id WHERE address = %s"
    with psycopg.connect(database_url) as connection:
        [(protocol, tls)] = connection.execute(query, [address])
    return protocol, tls


# What is offered


async def test_starttls_is_offered(client: SmtpClient) -> None:
    reply = await client.command("EHLO client.test")

    assert "STARTTLS" in reply.lines


async def test_starttls_is_not_offered_over_tls(secure: SmtpClient) -> None:
    reply = await secure.command("EHLO client.test")

    assert "STARTTLS" not in reply.lines


async def test_all_else_is_offered_over_tls_as_before(client: SmtpClient, trust: ssl.SSLContext) -> None:
    before = await client.command("EHLO client.test")
    await client.converse(("STARTTLS", 220))
    await shake_hands(client, trust)

    after = await client.command("EHLO client.test")

    assert [line for line in before.lines if line != "STARTTLS"] == list(after.lines)


async def test_authentication_is_refused_over_tls(secure: SmtpClient) -> None:
    await secure.converse(("EHLO client.test", 250))

    reply = await secure.command("AUTH PLAIN AGEAYg==")

    assert reply.code == 502


async def test_without_a_certificate_starttls_is_not_offered(smtp: SmtpClient) -> None:
    reply = await smtp.command("EHLO client.test")

    assert "STARTTLS" not in reply.lines


async def test_without_a_certificate_starttls_is_no_command(smtp: SmtpClient) -> None:
    await smtp.converse(("EHLO client.test", 250), ("STARTTLS", 502), ("NOOP", 250))


async def test_mail_needs_no_tls(client: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    await client.deliver(message(), address)

    assert await trace(pair.database_url, address) == ("ESMTP", "")


async def test_starttls_wants_a_greeting_first(client: SmtpClient) -> None:
    await client.converse(("STARTTLS", 503), ("EHLO client.test", 250), ("STARTTLS", 220))


async def test_starttls_takes_no_argument(client: SmtpClient) -> None:
    await client.converse(("EHLO client.test", 250), ("STARTTLS now", 501), ("NOOP", 250))


async def test_tls_is_not_started_within_tls(secure: SmtpClient) -> None:
    await secure.converse(("EHLO client.test", 250), ("STARTTLS", 503), ("NOOP", 250))


# The handshake


def test_smtplib_verifies_the_chain_and_delivers(daemon: Daemon, trust: ssl.SSLContext) -> None:
    pair, _ = daemon
    address = make_mailbox(pair.database_url)

    with smtplib.SMTP("127.0.0.1", pair.smtp_port) as client:
        client.starttls(context=trust)
        client.sendmail("writer@client.test", [address], message())

    assert stored(pair.database_url, address) == [message()]


@pytest.mark.parametrize(("option", "version"), [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_openssl_verifies_the_chain_with_either_version(
    daemon: Daemon, authority: Authority, tmp_path: Path, option: str, version: str
) -> None:
    spoken = speaks_openssl(daemon[0].smtp_port, authority, tmp_path, option)

    assert f"Protocol version: {version}" in spoken.stderr
    assert "Verification: OK" in spoken.stderr
    assert spoken.stdout.endswith("221 2.0.0 Goodbye\n")


async def test_tls_1_1_is_refused(daemon: Daemon, authority: Authority, tmp_path: Path) -> None:
    pair, service = daemon
    known = len(service.events())

    # OpenSSL offers it at its lowest level of security only.
    spoken = speaks_openssl(pair.smtp_port, authority, tmp_path, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")

    assert spoken.returncode != 0
    assert (await event(service, known, "tls_failed"))["reason"] == "UNSUPPORTED_PROTOCOL"


async def test_the_session_starts_anew(secure: SmtpClient) -> None:
    await secure.converse(("MAIL FROM:<>", 503), ("EHLO client.test", 250), ("MAIL FROM:<>", 250))


async def test_an_envelope_from_before_is_forgotten(client: SmtpClient, trust: ssl.SSLContext, pair: Pair) -> None:
    await client.converse(
        ("EHLO client.test", 250),
        ("MAIL FROM:<>", 250),
        (f"RCPT TO:<{make_mailbox(pair.database_url)}>", 250),
        ("STARTTLS", 220),
    )
    await shake_hands(client, trust)

    await client.converse(("DATA", 503), ("EHLO client.test", 250), ("DATA", 503))


@pytest.mark.parametrize("injected", [b"NOOP\r\n", b"EHLO injected.test\r\n", b"EHLO injected.test\r\nMAIL FROM:<"])
async def test_what_was_said_in_plain_text_behind_starttls_is_never_obeyed(
    client: SmtpClient, trust: ssl.SSLContext, injected: bytes
) -> None:
    await client.converse(("EHLO client.test", 250))

    # One write, one segment: it lies in the daemon's buffer before the handshake.
    await client.send(b"STARTTLS\r\n" + injected)
    assert (await client.reply()).code == 220
    await shake_hands(client, trust)

    await client.converse(("VRFY reader", 252), ("MAIL FROM:<>", 503))


# Mail


async def test_content_over_tls_is_kept_octet_for_octet(secure: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    content = b"Subject: octets\r\n\r\n" + bytes(set(range(256)) - {10, 13}) + b"\r\n.\r\n..\r\n.leading\r\n"

    await secure.deliver(content, address)

    assert stored(pair.database_url, address) == [content]


async def test_protocol_and_cipher_are_kept(secure: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    tls = secure.writer.get_extra_info("ssl_object")

    await secure.deliver(message(), address)

    assert await trace(pair.database_url, address) == ("ESMTPS", f"{tls.version()} {tls.cipher()[0]}")


async def test_the_protocol_of_international_mail_is_kept(secure: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    await secure.converse(
        ("EHLO client.test", 250), ("MAIL FROM:<ü@client.test> SMTPUTF8", 250), (f"RCPT TO:<{address}>", 250)
    )
    await secure.converse(("DATA", 354), (message().decode() + ".", 250))

    assert (await trace(pair.database_url, address))[0] == "UTF8SMTPS"


async def test_a_message_of_20_million_octets_comes_over_tls(secure: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    content = message() + b".a line that begins with a dot\r\n" * 625_000

    reply = await secure.deliver(content, address)

    assert reply.code == 250
    assert stored(pair.database_url, address) == [content]


async def test_commands_may_be_pipelined_over_tls(secure: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await secure.converse(("EHLO client.test", 250))

    await secure.send(f"MAIL FROM:<>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode() + message() + b".\r\nQUIT\r\n")
    codes = [(await secure.reply()).code for _ in range(5)]

    assert codes == [250, 250, 354, 250, 221]


async def test_chunks_come_over_tls(secure: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await secure.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250), (f"RCPT TO:<{address}>", 250))

    await secure.send(b"BDAT 200000\r\n" + b"x" * 200_000 + b"BDAT 5 LAST\r\n\r\n.\r\n")
    codes = [(await secure.reply()).code for _ in range(2)]

    assert codes == [250, 250]
    assert stored(pair.database_url, address) == [b"x" * 200_000 + b"\r\n.\r\n"]


async def test_content_that_is_cut_off_is_not_stored(daemon: Daemon, secure: SmtpClient) -> None:
    pair, service = daemon
    address, known = make_mailbox(pair.database_url), len(service.events())
    await secure.begin(address)
    await secure.send(message())

    secure.writer.close()

    await event(service, known, "session_ended")
    assert stored(pair.database_url, address) == []


# How a session ends


async def event(service: Service, known: int, name: str) -> Event:
    """The first event of that name behind those that are known, waited for."""
    told: list[Event] = []

    def is_told() -> bool:
        told[:] = [event for event in service.events()[known:] if event["event"] == name]
        return bool(told)

    await until(is_told)
    return told[0]


async def closes(client: SmtpClient) -> None:
    client.writer.close()


async def resets(client: SmtpClient) -> None:
    client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()


async def resets_within_its_hello(client: SmtpClient) -> None:
    await client.send(b"\x16\x03\x01\x02\x00\x01")
    await resets(client)


async def goes_on_in_plain_text(client: SmtpClient) -> None:
    await client.send(b"NOOP\r\n")


async def trusts_nobody(client: SmtpClient) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await shake_hands(client, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


async def says_nothing(client: SmtpClient) -> None:
    assert await client.is_closed()


FAILURES = [closes, resets, resets_within_its_hello, goes_on_in_plain_text, trusts_nobody]


@pytest.mark.parametrize("fail", FAILURES)
async def test_a_handshake_that_fails_is_told_and_ends_the_session(
    daemon: Daemon, fail: Callable[[SmtpClient], Awaitable[None]]
) -> None:
    pair, service = daemon
    known = len(service.events())
    async with connected(pair.smtp_port) as client:
        await client.converse(("EHLO client.test", 250), ("STARTTLS", 220))

        await fail(client)

        assert (await event(service, known, "session_ended"))["outcome"] == "tls_failed"
        assert (await event(service, known, "tls_failed"))["reason"]


async def test_a_handshake_that_never_comes_ends_the_session(impatient: Daemon) -> None:
    pair, service = impatient
    known = len(service.events())
    async with connected(pair.smtp_port) as client:
        await client.converse(("EHLO client.test", 250), ("STARTTLS", 220))

        is_closed = await client.is_closed()

        assert is_closed
        assert await event(service, known, "session_ended")


async def test_plain_text_in_place_of_a_handshake_gets_no_reply(client: SmtpClient) -> None:
    await client.converse(("EHLO client.test", 250), ("STARTTLS", 220))

    await client.send(b"NOOP\r\n")

    assert b"250" not in await client.reader.read()


async def test_sessions_without_a_handshake_are_not_counted_any_more(
    pair: Pair, authority: Authority, tmp_path: Path
) -> None:
    environ = KeyPair(tmp_path, authority.issue()).environ | {"SMTP_MAX_SESSIONS": "1", "SMTP_IDLE_SECONDS": "1"}
    with running_smtp(pair.database_url, tmp_path, **environ) as (daemon, _):

        def is_greeted() -> bool:
            with socket.create_connection(("127.0.0.1", daemon.smtp_port)) as probe:
                return probe.recv(3) == b"220"

        for fail in (*FAILURES, says_nothing):
            await until(is_greeted)
            async with connected(daemon.smtp_port) as client:
                await client.converse(("EHLO client.test", 250), ("STARTTLS", 220))
                await fail(client)

        await until(is_greeted)


@pytest.mark.parametrize("leave", [closes, resets])
async def test_a_client_that_leaves_within_tls_is_told_as_lost(
    daemon: Daemon, secure: SmtpClient, leave: Callable[[SmtpClient], Awaitable[None]]
) -> None:
    _, service = daemon
    known = len(service.events())

    await leave(secure)

    assert (await event(service, known, "session_ended"))["outcome"] == "lost"


async def test_quit_is_answered_over_tls_and_then_the_session_is_closed(secure: SmtpClient) -> None:
    await secure.converse(("EHLO client.test", 250), ("QUIT", 221))

    assert await secure.is_closed()


async def test_a_client_that_is_idle_over_tls_is_told(impatient: Daemon, trust: ssl.SSLContext) -> None:
    async with secured(impatient[0].smtp_port, trust) as client:
        reply = await client.reply()

    assert (reply.code, reply.text[:5]) == (421, "4.7.0")


async def test_a_client_that_does_not_wait_for_starttls_is_told_as_such(
    daemon: Daemon, client: SmtpClient, trust: ssl.SSLContext
) -> None:
    _, service = daemon
    known = len(service.events())

    with pytest.raises((ConnectionError, ssl.SSLError)):
        await shake_hands(client, trust)

    assert (await event(service, known, "session_ended"))["outcome"] == "tls_without_starttls"


# The end of the daemon


@pytest.fixture
def patient(pair: Pair, authority: Authority, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that would wait ten minutes for a transaction when it ends."""
    environ = KeyPair(tmp_path, authority.issue()).environ
    with running_smtp(pair.database_url, tmp_path, DRAIN_SECONDS="600", **environ) as running:
        yield running


async def exit_status(service: Service) -> int:
    return await asyncio.to_thread(service.process.wait, DEADLINE_SECONDS)


async def test_a_session_that_is_idle_over_tls_is_told_and_the_daemon_ends(
    patient: Daemon, trust: ssl.SSLContext
) -> None:
    pair, service = patient
    async with secured(pair.smtp_port, trust) as client:
        service.process.terminate()
        reply = await client.reply()
        is_closed = await client.is_closed()

    assert (reply.code, reply.text[:5]) == (421, "4.3.2")
    assert is_closed
    assert await exit_status(service) == 0


async def test_a_client_that_never_closes_its_side_of_tls_does_not_hold_up_the_end(
    patient: Daemon, trust: ssl.SSLContext
) -> None:
    pair, service = patient
    async with secured(pair.smtp_port, trust) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # TLS's can be paused

        service.process.terminate()

        assert await exit_status(service) == 0


async def test_a_transaction_over_tls_is_finished_first(patient: Daemon, trust: ssl.SSLContext) -> None:
    pair, service = patient
    address = make_mailbox(pair.database_url)
    async with secured(pair.smtp_port, trust) as client:
        await client.begin(address)
        service.process.terminate()
        service.wait_for_event("stopping")

        await client.send(message() + b".\r\n")
        codes = [(await client.reply()).code for _ in range(2)]

    assert codes == [250, 421]
    assert stored(pair.database_url, address) == [message()]


async def test_a_handshake_under_way_does_not_hold_up_the_end(patient: Daemon) -> None:
    pair, service = patient
    async with connected(pair.smtp_port) as client:
        await client.converse(("EHLO client.test", 250), ("STARTTLS", 220))

        service.process.terminate()

        assert await exit_status(service) == 0


# Files


def is_missing(files: KeyPair, _: Authority) -> None:
    files.chain.unlink()


def has_no_key(files: KeyPair, _: Authority) -> None:
    files.key.unlink()


def is_no_pem(files: KeyPair, _: Authority) -> None:
    files.chain.write_bytes(b"no certificate\n")


def is_cut_off(files: KeyPair, _: Authority) -> None:
    files.chain.write_bytes(files.chain.read_bytes()[:-100])


def has_another_key(files: KeyPair, authority: Authority) -> None:
    files.key.write_bytes(authority.issue().private_key_pem.bytes())


def has_an_encrypted_key(files: KeyPair, _: Authority) -> None:
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


SPOILINGS = [
    is_missing,
    has_no_key,
    is_no_pem,
    is_cut_off,
    has_another_key,
    has_an_encrypted_key,
]


@pytest.mark.parametrize("spoil", SPOILINGS)
def test_a_bad_pair_stops_the_start_with_one_line(
    authority: Authority, tmp_path: Path, spoil: Callable[[KeyPair, Authority], None]
) -> None:
    files = KeyPair(tmp_path, authority.issue())
    spoil(files, authority)

    ended = failed_start(DOMAIN=DOMAINS[0], **files.environ)

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("TLS_KEY_FILE: " if spoil is has_no_key else "TLS_CERT_FILE")


def test_a_certificate_without_a_key_stops_the_start(authority: Authority, tmp_path: Path) -> None:
    files = KeyPair(tmp_path, authority.issue())

    ended = failed_start(DOMAIN=DOMAINS[0], TLS_CERT_FILE=files.environ["TLS_CERT_FILE"])

    assert ended.returncode == 2
    assert ended.stderr.startswith("TLS_KEY_FILE:")


def test_nobody_is_asked_for_the_password_of_a_key(authority: Authority, tmp_path: Path) -> None:
    files = KeyPair(tmp_path, authority.issue())
    has_an_encrypted_key(files, authority)
    ours, theirs = os.openpty()

    # The first terminal that the leader of a new session opens is the one that OpenSSL would ask on.
    ended = subprocess.run(
        ["sh", "-c", 'exec "$0" <"$1"', COMMANDS / "smtp-ingest", os.ttyname(theirs)],
        env=os.environ | {"DOMAIN": DOMAINS[0], "DATABASE_URL": "postgresql:///"} | files.environ,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    os.set_blocking(ours, False)
    with pytest.raises(BlockingIOError):
        os.read(ours, 1)
    os.close(theirs)
    os.close(ours)
    assert ended.returncode == 2


# Files that change


class Renewed:
    """A daemon whose files the test changes."""

    def __init__(self, pair: Pair, service: Service, files: KeyPair, trust: ssl.SSLContext) -> None:
        self.port = pair.smtp_port
        self._service = service
        self.files = files
        self._trust = trust

    async def reload(self) -> Event:
        """What it says of the files after SIGHUP."""
        known = len(self._told())
        self._service.process.send_signal(signal.SIGHUP)
        await until(lambda: len(self._told()) > known)
        return self._told()[known]

    def _told(self) -> list[Event]:
        return [event for event in self._service.events() if str(event["event"]).startswith("certificate_")]

    async def renew(self, leaf: trustme.LeafCert) -> None:
        self.files.write(leaf)
        assert (await self.reload())["event"] == "certificate_taken"

    async def presents(self) -> bytes:
        """The certificate of a new session."""
        async with secured(self.port, self._trust) as client:
            presented: bytes = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return presented


def der(leaf: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


@pytest.fixture(scope="module")
def renewed(
    pair: Pair, authority: Authority, trust: ssl.SSLContext, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Renewed]:
    directory = tmp_path_factory.mktemp("renewed")
    files = KeyPair(directory, authority.issue())
    with running_smtp(pair.database_url, directory, **files.environ) as (daemon, service):
        yield Renewed(daemon, service, files, trust)


async def test_a_changed_pair_is_taken_on_sighup(renewed: Renewed, authority: Authority) -> None:
    leaf = authority.issue()

    await renewed.renew(leaf)

    assert await renewed.presents() == der(leaf)


async def test_sessions_go_on_when_a_pair_is_taken(
    renewed: Renewed, authority: Authority, trust: ssl.SSLContext, pair: Pair
) -> None:
    address = make_mailbox(pair.database_url)
    async with connected(renewed.port) as plain, secured(renewed.port, trust) as secure:
        for each in (plain, secure):
            await each.begin(address)

        await renewed.renew(authority.issue())
        for each, subject in ((plain, "plain"), (secure, "secure")):
            await each.send(message(subject) + b".\r\n")
            assert (await each.reply()).code == 250

    assert stored(pair.database_url, address) == [message("plain"), message("secure")]


async def test_a_session_from_before_takes_the_pair_of_now(
    renewed: Renewed, authority: Authority, trust: ssl.SSLContext
) -> None:
    leaf = authority.issue()
    async with connected(renewed.port) as client:
        await renewed.renew(leaf)

        await start_tls(client, trust)

        assert client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True) == der(leaf)


@pytest.mark.parametrize("spoil", SPOILINGS)
async def test_a_bad_pair_is_refused_on_sighup_and_the_old_one_goes_on(
    renewed: Renewed, authority: Authority, spoil: Callable[[KeyPair, Authority], None]
) -> None:
    leaf = authority.issue()
    await renewed.renew(leaf)
    spoil(renewed.files, authority)

    event = await renewed.reload()
    presented = await renewed.presents()

    assert (event["event"], event["level"]) == ("certificate_refused", "error")
    assert presented == der(leaf)


async def test_a_pair_that_is_good_again_is_taken(renewed: Renewed, authority: Authority) -> None:
    has_another_key(renewed.files, authority)
    await renewed.reload()
    leaf = authority.issue()

    await renewed.renew(leaf)

    assert await renewed.presents() == der(leaf)
