"""Mail with DKIM signatures and ARC sets, and the records of their keys, for tests."""

import base64
from functools import cache

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from nacl.signing import SigningKey

MAIL = (
    b"From: Ann <ann@example.com>\r\nTo: ben@mx.test\r\nSubject: Hello\r\n"
    b"Date: Mon, 30 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\nHello,\r\nBen.\r\n"
)


@cache
def rsa_key(bits: int = 2048) -> tuple[bytes, str]:
    """A private key as PEM, and the record of its public key."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return pem, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


@cache
def ed25519_key() -> tuple[bytes, str]:
    """A private key in base64, and the record of its public key."""
    private = SigningKey.generate()
    public = base64.b64encode(bytes(private.verify_key)).decode()
    return base64.b64encode(bytes(private)), f"v=DKIM1; k=ed25519; p={public}"


def signed(
    content: bytes = MAIL,
    *,
    domain: str = "example.com",
    selector: str = "s1",
    algorithm: str = "rsa-sha256",
    key: bytes | None = None,
    fields: tuple[bytes, ...] = (b"from", b"subject"),
    has_length: bool = False,
) -> bytes:
    """The content below a signature."""
    private = key or (ed25519_key()[0] if algorithm == "ed25519-sha256" else rsa_key()[0])
    signature: bytes = dkim.sign(
        content,
        selector.encode(),
        domain.encode(),
        private,
        signature_algorithm=algorithm.encode(),
        include_headers=list(fields),
        length=has_length,
    )
    return signature + content


def sealed(content: bytes, *, domain: str = "forwarder.example", selector: str = "s1") -> bytes:
    """The content below the ARC set of a forwarder with DKIM passed."""
    results = f"Authentication-Results: {domain}; arc=none; dkim=pass header.d=example.com\r\n"
    fields: list[bytes] = dkim.arc_sign(
        results.encode() + content, selector.encode(), domain.encode(), rsa_key()[0], domain.encode()
    )
    return b"".join(fields) + content
