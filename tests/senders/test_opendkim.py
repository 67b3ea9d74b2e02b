"""A second opinion on DKIM: opendkim and our check agree on which signatures are valid."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from senders.fetch import CACHE, DEBIAN, is_usable
from support.signed_mail import MAIL, ed25519_key, rsa_key, signed

from smtp_ingest.authentication import dkim_check, signatures
from smtp_ingest.authentication.questions import Answer, question

KEYS = {
    "rsa._domainkey.example.com": rsa_key()[1],
    "ed._domainkey.example.com": ed25519_key()[1],
    "revoked._domainkey.example.com": "v=DKIM1; k=rsa; p=",
}
FOLDED = MAIL.replace(b"Subject: Hello", b"Subject: Hello,\r\n  again \t and again  ").replace(b"Ben.", b"Ben. \t ")
RSA = signed(FOLDED, selector="rsa")
ED = signed(FOLDED, selector="ed", algorithm="ed25519-sha256")
MESSAGES = {
    "rsa": RSA,
    "ed25519": ED,
    "both": signed(ED, selector="rsa"),
    "simple and relaxed": signed(FOLDED, selector="rsa", fields=(b"from", b"to", b"subject", b"date")),
    "a part of the body": signed(FOLDED, selector="rsa", has_length=True) + b"More.\r\n",
    "blank lines at the end": RSA + b"\r\n\r\n\r\n",
    "another Received": b"Received: from a by b; Mon, 30 Nov 2026 10:00:00 +0000\r\n" + RSA,
    "a longer body": RSA + b"P.S.\r\n",
    "another subject": RSA.replace(b"again \t and", b"again! and"),
    "a second From": RSA.replace(b"To: ben", b"From: eve@evil.example\r\nTo: ben"),
    "an unknown key": signed(selector="unknown"),
    "a revoked key": signed(selector="revoked"),
    "no From signed": signed(selector="rsa").replace(b"from : ", b""),
    "expired": signed(selector="rsa").replace(b"; t=", b"; x=1000000000; t="),
    "no signature": MAIL,
}


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """A root directory with opendkim and the keys."""
    if not is_usable():
        pytest.skip("not fetched: make test-senders, as root, on Debian")
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        root = Path(directory) / "root"
        subprocess.run(["cp", "-al", DEBIAN, root], check=True)
        (root / "keys").write_text("".join(f"{name} {record}\n" for name, record in KEYS.items()))
        (root / "conf").write_text("Mode v\nTestPublicKeys /keys\nSyslog no\n")
        yield root


def is_valid(root: Path, content: bytes) -> bool:
    """True when opendkim finds a valid signature."""
    (root / "message").write_bytes(content)
    done = subprocess.run(
        ["chroot", root, "/usr/sbin/opendkim", "-f", "-x", "/conf", "-t", "/message"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert re.search(r"verification|not signed|message", done.stdout + done.stderr), done
    return "succeeded" in done.stdout + done.stderr


@pytest.mark.parametrize("name", MESSAGES)
def test_opendkim_agrees(root: Path, name: str) -> None:
    content = MESSAGES[name]
    answers = {question(each, "TXT"): Answer(values=(record,)) for each, record in KEYS.items()}
    answers[question("unknown._domainkey.example.com", "TXT")] = Answer()

    found = dkim_check.check(answers, signatures.read_header(content), content)

    assert any(each.result == "pass" for each in found) == is_valid(root, content), found
