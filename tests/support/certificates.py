"""Certificates for STARTTLS, from a certificate authority of the test's own."""

from pathlib import Path

import trustme


def issue(directory: Path) -> tuple[dict[str, str], Path]:
    """Return the TLS settings of a daemon named mx.test and localhost, and the path of the authority's certificate."""
    directory.mkdir(exist_ok=True)
    authority = trustme.CA()
    issued = authority.issue_cert("mx.test", "localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(directory / "authority.pem")
    issued.private_key_pem.write_to_path(directory / "key.pem")
    for certificate in issued.cert_chain_pems:
        certificate.write_to_path(directory / "chain.pem", append=True)
    environ = {"TLS_CERT_FILE": str(directory / "chain.pem"), "TLS_KEY_FILE": str(directory / "key.pem")}
    return environ, directory / "authority.pem"
