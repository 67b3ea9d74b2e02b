"""The certificate for STARTTLS comes out of Caddy's directory: the newest pair, and never through a link."""

import os
from pathlib import Path

import certificate
import pytest
import trustme

HOST = "mail.fake-email.example"


class Caddy:
    """A home directory of Caddy."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.authority = trustme.CA()

    def path(self, issuer: str, suffix: str) -> Path:
        return self.home / ".local/share/caddy/certificates" / issuer / HOST / f"{HOST}{suffix}"

    def write(self, issuer: str, written_at: int) -> Path:
        """Write a certificate of this issuer and return its path; the time is in seconds since 1970."""
        made = self.authority.issue_cert(HOST)
        path = self.path(issuer, ".crt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made.cert_chain_pems[0].bytes())
        self.path(issuer, ".key").write_bytes(made.private_key_pem.bytes())
        os.utime(path, (written_at, written_at))
        return path


@pytest.fixture
def caddy(tmp_path: Path) -> Caddy:
    return Caddy(tmp_path / "caddy")


def test_the_newest_certificate_and_its_key_are_copied_for_root_alone(caddy: Caddy, tmp_path: Path) -> None:
    caddy.write("an-issuer", 2_000)
    newest = caddy.write("in-between", 3_000)
    caddy.write("the-last", 1_000)

    pair = certificate.newest(caddy.home, HOST)

    assert pair
    assert pair.path == newest
    assert certificate.put(pair, tmp_path)
    assert (tmp_path / "fullchain.new").read_bytes() == newest.read_bytes()
    assert (tmp_path / "privkey.new").read_bytes() == newest.with_suffix(".key").read_bytes()
    assert (tmp_path / "privkey.new").stat().st_mode & 0o777 == 0o600


def test_without_a_directory_or_a_certificate_there_is_none(caddy: Caddy) -> None:
    assert certificate.newest(caddy.home, HOST) is None

    caddy.path("issuer", ".crt").parent.mkdir(parents=True)
    assert certificate.newest(caddy.home, HOST) is None


@pytest.mark.parametrize("key", ["of another certificate", "not written yet"])
def test_a_certificate_without_its_key_is_not_copied(caddy: Caddy, tmp_path: Path, key: str) -> None:
    caddy.write("issuer", 1_000)
    caddy.path("issuer", ".key").unlink()
    if key == "of another certificate":
        caddy.path("issuer", ".key").write_bytes(caddy.authority.private_key_pem.bytes())

    pair = certificate.newest(caddy.home, HOST)

    assert pair
    assert not certificate.put(pair, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["caddy"]


@pytest.mark.parametrize("part", ["home", "share", "issuer", "host", "crt", "key"])
def test_a_link_in_any_part_of_the_path_is_refused(caddy: Caddy, tmp_path: Path, part: str) -> None:
    path = caddy.write("issuer", 1_000)
    linked = {
        "home": caddy.home,
        "share": caddy.home / ".local/share",
        "issuer": path.parents[1],
        "host": path.parent,
        "crt": path,
        "key": path.with_suffix(".key"),
    }[part]
    linked.rename(tmp_path / "elsewhere")
    linked.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(certificate.Refused) as refused:
        certificate.newest(caddy.home, HOST)

    assert str(refused.value) == str(linked)


@pytest.mark.parametrize("kind", ["a named pipe", "a large file"])
def test_what_is_no_plain_file_of_a_certificates_size_is_refused(caddy: Caddy, kind: str) -> None:
    path = caddy.write("issuer", 1_000)
    if kind == "a named pipe":
        path.unlink()
        os.mkfifo(path)
    else:
        os.truncate(path, 2_000_000)

    with pytest.raises(certificate.Refused):
        certificate.newest(caddy.home, HOST)
