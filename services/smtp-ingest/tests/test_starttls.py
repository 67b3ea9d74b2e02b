"""STARTTLS (RFC 3207): handshakes that succeed and fail, mail over TLS, and the end of a session."""

import asyncio
import smtplib
import socket
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, stored
from support.harness import DOMAINS, Pair, Service, running_smtp
from support.smtp_client import SmtpClient
from support.smtp_tls import Authority, KeyPair, connected, secured, shake_hands, start_tls
from support.waiting import DEADLINE_SECONDS, until

Event = dict[str, object]
Daemon = tuple[Pair, Service]


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
    """A daemon that waits two seconds for a silent client."""
    directory = tmp_path_factory.mktemp("impatient")
    environ = KeyPair(directory, authority.issue()).environ
    with running_smtp(pair.database_url, directory, SMTP_IDLE_SECONDS="2", **environ) as running:
        yield running


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[SmtpClient]:
    """A session in which the client has sent no command yet."""
    async with connected(daemon[0].smtp_port) as client:
        yield client


@pytest.fixture
async def secure(client: SmtpClient, trust: ssl.SSLContext) -> SmtpClient:
    await start_tls(client, trust)
    return client


def run_openssl(port: int, authority: Authority, directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run OpenSSL's client for a session with EHLO and QUIT."""
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
    """The columns `protocol` and `tls` of the only message of a mailbox."""
    query = "SELECT protocol, tls FROM message JOIN mailbox ON mailbox.id = mailbox_id WHERE address = %s"
    with psycopg.connect(database_url) as connection:
        [(protocol, tls)] = connection.execute(query, [address])
    return protocol, tls


# The extension


async def test_starttls_is_offered(client: SmtpClient) -> None:
    reply = await client.command("EHLO client.test")

    assert "STARTTLS" in reply.lines


async def test_starttls_is_not_offered_over_tls(secure: SmtpClient) -> None:
    reply = await secure.command("EHLO client.test")

    assert "STARTTLS" not in reply.lines


async def test_the_other_extensions_are_offered_over_tls_as_before(client: SmtpClient, trust: ssl.SSLContext) -> None:
    before = await client.command("EHLO client.test")
    await client.converse(("STARTTLS", 220))
    await shake_hands(client, trust)

    after = await client.command("EHLO client.test")

    assert [line for line in before.lines if line != "STARTTLS"] == list(after.lines)


async def test_auth_is_refused_over_tls(secure: SmtpClient) -> None:
    await secure.converse(("EHLO client.test", 250))

    reply = await secure.command("AUTH PLAIN AGEAYg==")

    assert reply.code == 502


async def test_without_a_certificate_starttls_is_not_offered(smtp: SmtpClient) -> None:
    reply = await smtp.command("EHLO client.test")

    assert "STARTTLS" not in reply.lines


async def test_without_a_certificate_starttls_is_refused(smtp: SmtpClient) -> None:
    await smtp.converse(("EHLO client.test", 250), ("STARTTLS", 502), ("NOOP", 250))


async def test_mail_needs_no_tls(client: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    await client.deliver(message(), address)

    assert await trace(pair.database_url, address) == ("ESMTP", "")


async def test_starttls_requires_ehlo_first(client: SmtpClient) -> None:
    await client.converse(("STARTTLS", 503), ("EHLO client.test", 250), ("STARTTLS", 220))


async def test_starttls_takes_no_argument(client: SmtpClient) -> None:
    await client.converse(("EHLO client.test", 250), ("STARTTLS now", 501), ("NOOP", 250))


async def test_starttls_is_refused_over_tls(secure: SmtpClient) -> None:
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
    ended = run_openssl(daemon[0].smtp_port, authority, tmp_path, option)

    assert f"Protocol version: {version}" in ended.stderr
    assert "Verification: OK" in ended.stderr
    assert ended.stdout.endswith("221 2.0.0 Goodbye\n")


async def test_tls_1_1_is_refused(daemon: Daemon, authority: Authority, tmp_path: Path) -> None:
    pair, service = daemon
    known = len(service.events())

    # OpenSSL offers TLS 1.1 only at its lowest security level.
    ended = run_openssl(pair.smtp_port, authority, tmp_path, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")

    assert ended.returncode != 0
    assert (await event(service, known, "tls_failed"))["reason"] == "UNSUPPORTED_PROTOCOL"


async def test_the_client_must_send_ehlo_again_after_the_handshake(secure: SmtpClient) -> None:
    await secure.converse(("MAIL FROM:<>", 503), ("EHLO client.test", 250), ("MAIL FROM:<>", 250))


async def test_the_handshake_drops_an_earlier_envelope(client: SmtpClient, trust: ssl.SSLContext, pair: Pair) -> None:
    await client.converse(
        ("EHLO client.test", 250),
        ("MAIL FROM:<>", 250),
        (f"RCPT TO:<{make_mailbox(pair.database_url)}>", 250),
        ("STARTTLS", 220),
    )
    await shake_hands(client, trust)

    await client.converse(("DATA", 503), ("EHLO client.test", 250), ("DATA", 503))


@pytest.mark.parametrize("injected", [b"NOOP\r\n", b"EHLO injected.test\r\n", b"EHLO injected.test\r\nMAIL FROM:<"])
async def test_commands_in_plain_text_after_starttls_are_dropped(
    client: SmtpClient, trust: ssl.SSLContext, injected: bytes
) -> None:
    await client.converse(("EHLO client.test", 250))

    # One write makes one segment, which is in the daemon's buffer before the handshake.
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


async def test_the_trace_has_the_protocol_and_the_cipher(secure: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    tls = secure.writer.get_extra_info("ssl_object")

    await secure.deliver(message(), address)

    assert await trace(pair.database_url, address) == ("ESMTPS", f"{tls.version()} {tls.cipher()[0]}")


async def test_the_trace_has_the_protocol_of_international_mail(secure: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    await secure.converse(
        ("EHLO client.test", 250), ("MAIL FROM:<ü@client.test> SMTPUTF8", 250), (f"RCPT TO:<{address}>", 250)
    )
    await secure.converse(("DATA", 354), (message().decode() + ".", 250))

    assert (await trace(pair.database_url, address))[0] == "UTF8SMTPS"


async def test_a_message_of_20_million_octets_is_kept_over_tls(secure: SmtpClient, pair: Pair) -> None:
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


async def test_chunks_are_kept_over_tls(secure: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await secure.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250), (f"RCPT TO:<{address}>", 250))

    await secure.send(b"BDAT 200000\r\n" + b"x" * 200_000 + b"BDAT 5 LAST\r\n\r\n.\r\n")
    codes = [(await secure.reply()).code for _ in range(2)]

    assert codes == [250, 250]
    assert stored(pair.database_url, address) == [b"x" * 200_000 + b"\r\n.\r\n"]


async def test_content_of_a_lost_connection_is_not_stored(daemon: Daemon, secure: SmtpClient) -> None:
    pair, service = daemon
    address, known = make_mailbox(pair.database_url), len(service.events())
    await secure.begin(address)
    await secure.send(message())

    secure.writer.close()

    await event(service, known, "session_ended")
    assert stored(pair.database_url, address) == []


# The end of a session


async def event(service: Service, known: int, name: str) -> Event:
    """Wait for the first event of that name after the first `known` events."""
    logged: list[Event] = []

    def is_logged() -> bool:
        logged[:] = [event for event in service.events()[known:] if event["event"] == name]
        return bool(logged)

    await until(is_logged)
    return logged[0]


async def closes(client: SmtpClient) -> None:
    client.writer.close()


async def resets(client: SmtpClient) -> None:
    client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()


async def resets_within_client_hello(client: SmtpClient) -> None:
    await client.send(b"\x16\x03\x01\x02\x00\x01")
    await resets(client)


async def goes_on_in_plain_text(client: SmtpClient) -> None:
    await client.send(b"NOOP\r\n")


async def trusts_nobody(client: SmtpClient) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await shake_hands(client, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


async def says_nothing(client: SmtpClient) -> None:
    assert await client.is_closed()


FAILURES = [closes, resets, resets_within_client_hello, goes_on_in_plain_text, trusts_nobody]


@pytest.mark.parametrize("fail", FAILURES)
async def test_a_failed_handshake_is_logged_and_ends_the_session(
    daemon: Daemon, fail: Callable[[SmtpClient], Awaitable[None]]
) -> None:
    pair, service = daemon
    known = len(service.events())
    async with connected(pair.smtp_port) as client:
        await client.converse(("EHLO client.test", 250), ("STARTTLS", 220))

        await fail(client)

        assert (await event(service, known, "session_ended"))["outcome"] == "tls_failed"
        assert (await event(service, known, "tls_failed"))["reason"]


async def test_a_missing_handshake_ends_the_session(impatient: Daemon) -> None:
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


async def test_a_session_with_a_failed_handshake_releases_its_slot(
    pair: Pair, authority: Authority, tmp_path: Path
) -> None:
    environ = KeyPair(tmp_path, authority.issue()).environ | {"SMTP_MAX_SESSIONS": "1", "SMTP_IDLE_SECONDS": "3"}
    with running_smtp(pair.database_url, tmp_path, **environ) as (daemon, _):

        def is_greeted() -> bool:
            with socket.create_connection(("127.0.0.1", daemon.smtp_port)) as probe:
                if not probe.recv(512).startswith(b"220"):
                    return False
                # The daemon has released the slot when it closes the connection.
                probe.sendall(b"QUIT\r\n")
                while probe.recv(512):
                    pass
                return True

        for fail in (*FAILURES, says_nothing):
            await until(is_greeted)
            async with connected(daemon.smtp_port) as client:
                await client.converse(("EHLO client.test", 250), ("STARTTLS", 220))
                await fail(client)

        await until(is_greeted)


@pytest.mark.parametrize("disconnect", [closes, resets])
async def test_a_client_that_disconnects_within_tls_is_logged_as_lost(
    daemon: Daemon, secure: SmtpClient, disconnect: Callable[[SmtpClient], Awaitable[None]]
) -> None:
    _, service = daemon
    known = len(service.events())

    await disconnect(secure)

    assert (await event(service, known, "session_ended"))["outcome"] == "lost"


async def test_quit_is_answered_over_tls_before_the_connection_is_closed(secure: SmtpClient) -> None:
    await secure.converse(("EHLO client.test", 250), ("QUIT", 221))

    assert await secure.is_closed()


async def test_an_idle_session_over_tls_ends_with_421(impatient: Daemon, trust: ssl.SSLContext) -> None:
    async with secured(impatient[0].smtp_port, trust) as client:
        reply = await client.reply()

    assert (reply.code, reply.text[:5]) == (421, "4.7.0")


async def test_a_handshake_without_starttls_is_logged_as_such(
    daemon: Daemon, client: SmtpClient, trust: ssl.SSLContext
) -> None:
    _, service = daemon
    known = len(service.events())

    with pytest.raises((ConnectionError, ssl.SSLError)):
        await shake_hands(client, trust)

    assert (await event(service, known, "session_ended"))["outcome"] == "tls_without_starttls"


# Shutdown


@pytest.fixture
def patient(pair: Pair, authority: Authority, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that drains for up to ten minutes."""
    environ = KeyPair(tmp_path, authority.issue()).environ
    with running_smtp(pair.database_url, tmp_path, DRAIN_SECONDS="600", **environ) as running:
        yield running


async def exit_status(service: Service) -> int:
    return await asyncio.to_thread(service.process.wait, DEADLINE_SECONDS)


async def test_an_idle_session_over_tls_ends_with_421_at_shutdown(patient: Daemon, trust: ssl.SSLContext) -> None:
    pair, service = patient
    async with secured(pair.smtp_port, trust) as client:
        service.process.terminate()
        reply = await client.reply()
        is_closed = await client.is_closed()

    assert (reply.code, reply.text[:5]) == (421, "4.3.2")
    assert is_closed
    assert await exit_status(service) == 0


async def test_a_client_that_does_not_close_its_side_of_tls_does_not_delay_the_shutdown(
    patient: Daemon, trust: ssl.SSLContext
) -> None:
    pair, service = patient
    async with secured(pair.smtp_port, trust) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # TLS's can be paused

        service.process.terminate()

        assert await exit_status(service) == 0


async def test_a_transaction_over_tls_is_finished_before_the_shutdown(patient: Daemon, trust: ssl.SSLContext) -> None:
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


async def test_a_handshake_in_flight_does_not_delay_the_shutdown(patient: Daemon) -> None:
    pair, service = patient
    async with connected(pair.smtp_port) as client:
        await client.converse(("EHLO client.test", 250), ("STARTTLS", 220))

        service.process.terminate()

        assert await exit_status(service) == 0
