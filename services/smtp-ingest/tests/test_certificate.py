"""The certificate of the daemon: checked at the start, and read again after SIGHUP."""

import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from support.content import message
from support.database import make_mailbox, stored
from support.harness import COMMANDS, DOMAINS, Pair, Service, failed_start, running_smtp
from support.smtp_tls import Authority, KeyPair, connected, secured, start_tls
from support.waiting import DEADLINE_SECONDS, until

Event = dict[str, object]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def trust(authority: Authority) -> ssl.SSLContext:
    return authority.trust()


# At the start


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


FAULTS = [
    is_missing,
    has_no_key,
    is_no_pem,
    is_cut_off,
    has_another_key,
    has_an_encrypted_key,
]


@pytest.mark.parametrize("break_files", FAULTS)
def test_an_unusable_certificate_stops_the_start_with_one_line(
    authority: Authority, tmp_path: Path, break_files: Callable[[KeyPair, Authority], None]
) -> None:
    files = KeyPair(tmp_path, authority.issue())
    break_files(files, authority)

    ended = failed_start(DOMAIN=DOMAINS[0], **files.environ)

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("TLS_KEY_FILE: " if break_files is has_no_key else "TLS_CERT_FILE")


def test_a_certificate_without_a_key_stops_the_start(authority: Authority, tmp_path: Path) -> None:
    files = KeyPair(tmp_path, authority.issue())

    ended = failed_start(DOMAIN=DOMAINS[0], TLS_CERT_FILE=files.environ["TLS_CERT_FILE"])

    assert ended.returncode == 2
    assert ended.stderr.startswith("TLS_KEY_FILE:")


def test_the_start_asks_for_no_password_of_a_key(authority: Authority, tmp_path: Path) -> None:
    files = KeyPair(tmp_path, authority.issue())
    has_an_encrypted_key(files, authority)
    ours, theirs = os.openpty()

    # OpenSSL would ask on the first terminal that the leader of a new session opens.
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


# After SIGHUP


class Renewed:
    """A daemon whose certificate files the test changes."""

    def __init__(self, pair: Pair, service: Service, files: KeyPair, trust: ssl.SSLContext) -> None:
        self.port = pair.smtp_port
        self._service = service
        self.files = files
        self._trust = trust

    async def reload(self) -> Event:
        """Send SIGHUP; returns the event about the certificate."""
        known = len(self._logged())
        self._service.process.send_signal(signal.SIGHUP)
        await until(lambda: len(self._logged()) > known)
        return self._logged()[known]

    def _logged(self) -> list[Event]:
        return [event for event in self._service.events() if str(event["event"]).startswith("certificate_")]

    async def renew(self, leaf: trustme.LeafCert) -> None:
        self.files.write(leaf)
        assert (await self.reload())["event"] == "certificate_taken"

    async def presents(self) -> bytes:
        """The certificate that a new session presents."""
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


async def test_a_changed_certificate_is_used_after_sighup(renewed: Renewed, authority: Authority) -> None:
    leaf = authority.issue()

    await renewed.renew(leaf)

    assert await renewed.presents() == der(leaf)


async def test_sessions_go_on_when_the_certificate_changes(
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


async def test_an_older_session_starts_tls_with_the_new_certificate(
    renewed: Renewed, authority: Authority, trust: ssl.SSLContext
) -> None:
    leaf = authority.issue()
    async with connected(renewed.port) as client:
        await renewed.renew(leaf)

        await start_tls(client, trust)

        assert client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True) == der(leaf)


@pytest.mark.parametrize("break_files", FAULTS)
async def test_an_unusable_certificate_is_refused_on_sighup_and_the_old_certificate_stays(
    renewed: Renewed, authority: Authority, break_files: Callable[[KeyPair, Authority], None]
) -> None:
    leaf = authority.issue()
    await renewed.renew(leaf)
    break_files(renewed.files, authority)

    event = await renewed.reload()
    presented = await renewed.presents()

    assert (event["event"], event["level"]) == ("certificate_refused", "error")
    assert presented == der(leaf)


async def test_a_repaired_certificate_is_used_after_sighup(renewed: Renewed, authority: Authority) -> None:
    has_another_key(renewed.files, authority)
    await renewed.reload()
    leaf = authority.issue()

    await renewed.renew(leaf)

    assert await renewed.presents() == der(leaf)
